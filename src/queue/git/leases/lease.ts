import { createHash } from 'node:crypto';
import { State } from '../../../job/state.js';
import type { DocumentJob, QueueDocument } from '../documents/document.js';
import type { SeenLease } from './lease-expiry.js';
import { Rows } from './row-tracking.js';

/**
 * A lease: a runner's word, in the message of a commit that `refs/runmaker/<runner>` names, that it is alive and which jobs are in its
 * hands. It is renewed by a new commit, so that the branch's own history shows jobs only: of its own ref when the jobs are others, of one
 * beside it while they stay the same.
 */
export interface Lease {
  /** The queue that it speaks of: `runs.txt on main`. */
  readonly queue: string;
  /** How long it holds without being renewed, in ms. */
  readonly duration: number;
  readonly rows: readonly LeasedRow[];
}

/** A job in somebody's hands. */
export interface LeasedRow {
  readonly number: number;
  /** Of the job's key. */
  readonly hash: string;
}

export const LEASES = 'refs/runmaker/';

/** The ref beside that of a lease by which it is renewed: a lease without jobs. No runner's name has a dot in it. */
export function beatOf(leaseRef: string): string {
  return `${leaseRef}.beat`;
}

export function hashOf(key: string): string {
  return createHash('sha1').update(key).digest('hex');
}

/** @param beat makes each renewal another commit, however soon it comes */
export function printLease(title: string, { queue, duration, rows }: Lease, beat: number): string {
  const lines = rows.map(({ number, hash }) => `row: ${number} ${hash}`);
  return [title, '', `queue: ${queue}`, `lease: ${duration}ms`, `beat: ${beat}`, ...lines, ''].join('\n');
}

/** Undefined for what is no lease. */
export function parseLease(message: string): Lease | undefined {
  const queue = /^queue: (.+)$/m.exec(message)?.[1];
  const duration = /^lease: (\d+)ms$/m.exec(message)?.[1];
  if (queue === undefined || duration === undefined) return undefined;
  const rows = [...message.matchAll(/^row: (\d+) ([0-9a-f]{40})$/gm)].map(([, number, hash]) => ({
    number: Number(number),
    hash: hash as string,
  }));
  return { queue, duration: Number(duration), rows };
}

/** The lines whose jobs are in the hands of those who hold these leases. A lease may know a line by an older number. */
export function leasedLines(jobs: readonly DocumentJob[], leases: readonly Lease[]): Set<number> {
  const lines = new Set<number>();
  const named = new Map<string, number[]>();
  for (const { number, hash } of leases.flatMap(lease => lease.rows)) {
    const numbers = named.get(hash);
    if (numbers) numbers.push(number);
    else named.set(hash, [number]);
  }
  if (named.size === 0) return lines;
  const unnamed: [job: DocumentJob, numbers: number[]][] = [];
  for (const job of jobs) {
    if (!isInHand(job.state)) continue;
    const numbers = named.get(hashOf(job.key));
    if (numbers === undefined) continue;
    const at = numbers.indexOf(job.number);
    if (at < 0) unnamed.push([job, numbers]);
    else {
      numbers.splice(at, 1);
      lines.add(job.number);
    }
  }
  for (const [job, numbers] of unnamed) if (numbers.shift() !== undefined) lines.add(job.number);
  return lines;
}

/** The jobs that are in somebody's hands and in no lease: those of a program that keeps none. */
export function unleasedJobs({ jobs }: QueueDocument, leases: readonly Lease[]): DocumentJob[] {
  const leased = leasedLines(jobs, leases);
  return jobs.filter(({ state, number }) => isInHand(state) && !leased.has(number));
}

/**
 * What stands for the leases of a program that keeps none: one for each of its jobs, which holds from when the job was first seen so.
 * @param changes the commits that changed the lines of the jobs last · @param duration in ms
 */
export function silentLeases(
  queue: string,
  document: QueueDocument,
  jobs: readonly DocumentJob[],
  changes: ReadonlyMap<number, string>,
  duration: number,
): SeenLease[] {
  const rows = new Rows(document);
  return jobs.map(job => {
    const hash = hashOf(`${rows.rowOf(job).rank} ${job.key}`);
    const lease = { queue, duration, rows: [{ number: job.number, hash: hashOf(job.key) }] };
    return { ref: `${queue} ${hash}`, commit: changes.get(job.number) ?? job.state, lease };
  });
}

/** Whether a state says that somebody is at the job. */
export function isInHand(state: string): boolean {
  return state === State.running || state === State.claimed;
}
