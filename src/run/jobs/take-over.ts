import { setTimeout as pauseFor } from 'node:timers/promises';
import type { Executor, Survivor } from '../../execute/executor.js';
import { commandDigest } from '../../job/command-digest.js';
import type { Job } from '../../job/job.js';
import { State } from '../../job/state.js';
import { findOrphansNow } from '../../queue/orphans.js';
import type { Claim, Queue } from '../../queue/queue.js';

/** The claim of an earlier runner, taken over, and the handle of the execution that runs its job. */
export interface TakenOver {
  readonly claim: Claim;
  readonly handle: string;
}

/** The fate of earlier runners' jobs. */
export interface TakeOver {
  readonly taken: readonly TakenOver[];
  /** Tasks that still ran although their job had left state `r`: their claim was lost, and they were ended. */
  readonly ended: readonly Survivor[];
}

const NOTHING: TakeOver = { taken: [], ended: [] };

/**
 * Takes over the claims of jobs that an earlier runner left running, if the executor still has the job. Leaves alone what other runners
 * hold: a job counts as left only if it stays orphaned for as long as presence may take to return.
 */
export async function takeOver(queue: Queue, executor: Executor, signal: AbortSignal): Promise<TakeOver> {
  if (!executor.attach || !executor.survivors || !queue.adopt) return NOTHING;
  const orphans = (await findOrphansNow(queue)) ?? [];
  if (orphans.length === 0) return NOTHING;
  const survivors = await executor.survivors(queue.address, orphans);
  if (survivors.length === 0) return NOTHING;
  const lost = await endLost(queue, survivors);
  const alive = survivors.filter(survivor => !lost.includes(survivor));
  const ours = await stillOrphaned(queue, orphans, signal);
  if (ours.length === 0 || signal.aborted) return { taken: [], ended: lost };
  const prints = [...new Set(alive.map(({ print }) => print))];
  const claims = await queue.adopt({ states: [State.running], commands: prints });
  const { taken, spare } = pair(claims, alive);
  for (const claim of spare) await claim.abandon?.();
  return { taken, ended: lost };
}

/**
 * Ends tasks that earlier runners left of jobs that no longer run, wherever this runner has started jobs: a runner killed between the end
 * of a job and its last call for it leaves a task that no runner attaches to.
 */
export async function endLeftOver(queue: Queue, executor: Executor): Promise<void> {
  if (!executor.survivors || queue.capabilities.claimsOnly) return;
  const survivors = await executor.survivors(queue.address, []);
  if (survivors.length > 0) await endLost(queue, survivors);
}

/** Jobs that are orphaned now and were so before, at least as long ago as presence may take to return. */
async function stillOrphaned(queue: Queue, before: readonly Job[], signal: AbortSignal): Promise<readonly Job[]> {
  const { presenceReturns } = queue.capabilities;
  if (presenceReturns === undefined) return before;
  await pauseFor(presenceReturns, undefined, { signal }).catch(() => undefined);
  const known = new Set(before.map(({ id }) => id));
  return ((await findOrphansNow(queue)) ?? []).filter(({ id }) => known.has(id));
}

/** Ends tasks whose command belongs to no running job any more. */
async function endLost(queue: Queue, survivors: readonly Survivor[]): Promise<readonly Survivor[]> {
  const running = new Set<string>();
  for await (const jobs of queue.jobs({ states: [State.running, State.claimed] })) {
    for (const { command } of jobs) running.add(commandDigest(command));
  }
  const lost = survivors.filter(({ print }) => !running.has(print));
  await Promise.all(lost.map(survivor => survivor.end()));
  return lost;
}

/**
 * Matches each claim with the task that runs its job: the one noted in the queue, otherwise one with the same command, preferably under the
 * job's own id. Identical jobs are interchangeable.
 */
export function pair(claims: readonly Claim[], survivors: readonly Survivor[]): { taken: TakenOver[]; spare: Claim[] } {
  const left = new Set(survivors);
  const taken: TakenOver[] = [];
  const rounds: readonly ((claim: Claim, survivor: Survivor, print: string) => boolean)[] = [
    (claim, survivor) => claim.handle === survivor.handle,
    (claim, survivor, print) => claim.handle === undefined && survivor.print === print && survivor.job === claim.job.id,
    (claim, survivor, print) => claim.handle === undefined && survivor.print === print,
  ];
  let open = claims.map(claim => ({ claim, print: commandDigest(claim.job.command) }));
  for (const suits of rounds) {
    open = open.filter(({ claim, print }) => {
      const found = [...left].find(survivor => suits(claim, survivor, print));
      if (!found) return true;
      left.delete(found);
      taken.push({ claim, handle: found.handle });
      return false;
    });
  }
  return { taken, spare: open.map(({ claim }) => claim) };
}
