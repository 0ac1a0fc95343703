import { RunmakerError } from '../errors.js';
import { commandDigest } from '../job/command-digest.js';
import { type Job, nameOfJob } from '../job/job.js';
import { BARRIER_LINE } from '../job/line.js';
import type { Range } from '../job/line-ranges.js';
import type { Selection } from '../job/selection.js';
import { State } from '../job/state.js';
import { checkReferences, MOVED } from './move-references.js';
import type { Queue } from './queue.js';

/*
 * How jobs move from one queue to another, so that no job can ever be claimed in both, and the next move completes an interrupted one:
 *
 *   1 hold      each job in the source gets a transit state, which encodes its previous state
 *   2 append    all of them are appended to the target in one step, in transit
 *   3 label     each one in the target gets its transit state in the source
 *   4 give up   in the source all of them become "moved"
 *   5 release   each one in the target gets its previous state
 *
 * Transit states hold a job, as any unknown character does. Jobs in transit in the target show the next move that step 2 was done: their
 * commands pair them with those of the source.
 */

/** Transit states, by the state that they stand for. */
const TRANSIT: Readonly<Record<State, State>> = {
  [State.new]: '(',
  [State.failed]: '[',
  [State.error]: '{',
  [State.done]: ')',
  [State.held]: ']',
};
/** Stands for any other character that holds a job. A move that completes an interrupted one does not know which, and uses `-`. */
const OTHER: State = '}';
const IN_TRANSIT: readonly State[] = [...Object.values(TRANSIT), OTHER];
const IN_HAND: ReadonlySet<State> = new Set([State.running, State.claimed]);

/** The result of a move. */
export interface MoveReport {
  readonly moved: number;
  /** Jobs left in the source because they run there. */
  readonly running: readonly Job[];
  /** How many jobs were in transit since an interrupted move. */
  readonly resumed: number;
}

/**
 * Moves jobs with their states to the end of another queue. Their lines stay in the source, as "moved".
 * @throws RunmakerError `usage` for what cannot be moved, before anything is changed
 */
export async function moveJobs(source: Queue, target: Queue, selection: Selection = {}): Promise<MoveReport> {
  refuseUnsuited(source, target);
  const before = await jobsOf(source, {});
  const chosen = Object.keys(selection).length === 0 ? before : await jobsOf(source, selection);
  const running = chosen.filter(({ state }) => IN_HAND.has(state));
  const unfinished = before.filter(({ state }) => IN_TRANSIT.includes(state));
  const moving = [...unfinished, ...chosen.filter(job => mayMove(job))].sort((a, b) => numberOf(a) - numberOf(b));
  const barriers = await barriersAmong(source, before);
  checkReferences({ moving, all: before, barriers, isTargetEmpty: (await target.counts()).total === 0 });

  const states = [...new Set(chosen.filter(job => mayMove(job)).map(({ state }) => state))];
  const others = new Map(moving.flatMap(({ id, state }) => (state in TRANSIT || IN_TRANSIT.includes(state) ? [] : [[id, state] as const])));
  for (const state of states) await source.set({ ...selection, states: [state] }, TRANSIT[state] ?? OTHER);
  const held = await jobsOf(source, { states: IN_TRANSIT });
  const restore = async (): Promise<void> => {
    for (const state of states) {
      const lines = held.filter(job => !unfinished.some(({ id }) => id === job.id) && (others.get(job.id) ?? meaning(job.state)) === state);
      await setLines(source, lines.map(numberOf), IN_TRANSIT, state);
    }
  };
  try {
    const missing = pair(held, await jobsOf(target, { states: IN_TRANSIT })).unpaired;
    if (missing.length > 0) await target.append(withBarriers(missing, barriers), { state: TRANSIT[State.new] as State });
  } catch (error) {
    // A refusal means that nothing was appended. If the target cannot be reached, the next move finds out.
    if (error instanceof RunmakerError && error.code !== 'queue') await restore();
    throw error;
  }

  const arrived = pair(held, await jobsOf(target, { states: IN_TRANSIT }));
  const released = new Map<State, number[]>();
  const labels = new Map<State, number[]>();
  for (const [job, copy] of arrived.pairs) {
    const state = others.get(job.id) ?? meaning(job.state);
    add(released, state, numberOf(copy));
    if (copy.state !== job.state) add(labels, job.state, numberOf(copy));
  }
  for (const [label, lines] of labels) await setLines(target, lines, IN_TRANSIT, label);
  await source.set({ states: IN_TRANSIT }, MOVED);
  for (const [state, lines] of released) await setLines(target, lines, IN_TRANSIT, state);
  const late = await releaseLeftBehind(source, target);
  return { moved: arrived.pairs.length + late, running, resumed: unfinished.length + late };
}

/** Releases jobs in transit in the target whose source is "moved" already: an earlier move ended between the last two steps. */
async function releaseLeftBehind(source: Queue, target: Queue): Promise<number> {
  const left = await jobsOf(target, { states: IN_TRANSIT });
  if (left.length === 0) return 0;
  const moved = await jobsOf(source, { states: [MOVED] });
  const released = new Map<State, number[]>();
  const { pairs } = pair(moved, left);
  for (const [, copy] of pairs) add(released, meaning(copy.state), numberOf(copy));
  for (const [state, lines] of released) await setLines(target, lines, IN_TRANSIT, state);
  return pairs.length;
}

/** The state that a transit state stands for. */
function meaning(transit: State): State {
  return Object.entries(TRANSIT).find(([, known]) => known === transit)?.[0] ?? State.held;
}

function mayMove({ state }: Job): boolean {
  return !IN_HAND.has(state) && !IN_TRANSIT.includes(state) && state !== MOVED;
}

function refuseUnsuited(source: Queue, target: Queue): void {
  if (source.address === target.address) throw new RunmakerError('usage', `${source.name} cannot be moved to itself`);
  for (const { name, capabilities } of [source, target]) {
    if (capabilities.claimsOnly) throw new RunmakerError('usage', `${name}: its server can only be asked for the next job`);
  }
}

/** The barriers of a queue that reports them; in another queue, any line that is no job may be one. */
async function barriersAmong(source: Queue, jobs: readonly Job[]): Promise<readonly number[]> {
  if (source.barriers) return await source.barriers();
  const gap = jobs.find((job, at) => numberOf(job) !== at + 1);
  if (gap === undefined) return [];
  throw new RunmakerError('usage', `${source.name}: some lines above line ${numberOf(gap)} are no jobs, and may be barriers`, {
    hint: 'a server does not tell: name the file that it serves',
  });
}

/** The commands, with a barrier wherever there is one between two of them in the source. */
function withBarriers(jobs: readonly Job[], barriers: readonly number[]): Buffer[] {
  const lines: Buffer[] = [];
  let next = 0;
  for (const job of jobs) {
    const passed = next;
    while (next < barriers.length && (barriers[next] as number) < numberOf(job)) next++;
    // A barrier above all of them would make them wait for the target's own jobs.
    if (next > passed && lines.length > 0) lines.push(BARRIER_LINE);
    lines.push(job.command);
  }
  return lines;
}

/** Pairs jobs of two queues that have the same command, in order. */
function pair(jobs: readonly Job[], copies: readonly Job[]): { pairs: (readonly [Job, Job])[]; unpaired: Job[] } {
  const byCommand = new Map<string, Job[]>();
  for (const copy of [...copies].reverse()) {
    const print = commandDigest(copy.command);
    const same = byCommand.get(print);
    if (same) same.push(copy);
    else byCommand.set(print, [copy]);
  }
  const pairs: (readonly [Job, Job])[] = [];
  const unpaired: Job[] = [];
  for (const job of jobs) {
    const copy = byCommand.get(commandDigest(job.command))?.pop();
    if (copy) pairs.push([job, copy]);
    else unpaired.push(job);
  }
  return { pairs, unpaired };
}

async function setLines(queue: Queue, numbers: readonly number[], among: readonly State[], state: State): Promise<void> {
  const lines: Range[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = lines.at(-1);
    if (last?.to === number - 1) lines[lines.length - 1] = { ...last, to: number };
    else lines.push({ from: number, to: number });
  }
  if (lines.length > 0) await queue.set({ lines, states: among }, state);
}

async function jobsOf(queue: Queue, selection: Selection): Promise<Job[]> {
  const jobs: Job[] = [];
  for await (const batch of queue.jobs(selection)) jobs.push(...batch);
  return jobs;
}

function numberOf(job: Job): number {
  if (job.number === undefined) throw new RunmakerError('usage', `${nameOfJob(job)} is no line: only queues of lines can be moved`);
  return job.number;
}

function add(lists: Map<State, number[]>, state: State, line: number): void {
  const list = lists.get(state);
  if (list) list.push(line);
  else lists.set(state, [line]);
}
