import { createHash } from 'node:crypto';
import { State } from '../../../job/state.js';
import type { DocumentJob } from '../documents/document.js';

/**
 * A lease: a runner's promise that it is alive, and the jobs that it has claimed, in the message of a commit at `refs/runmaker/<runner>`.
 * A new commit renews it, so that the branch's own history shows jobs only: a commit at that ref when the jobs change, one at the ref
 * beside it while they stay the same.
 */
export interface Lease {
  /** The queue it belongs to: `runs.txt on main`. */
  readonly queue: string;
  /** How long it holds without being renewed, in ms. */
  readonly duration: number;
  readonly rows: readonly LeasedRow[];
}

/** A claimed job. */
export interface LeasedRow {
  readonly number: number;
  /** Of the job's key. */
  readonly hash: string;
}

export const LEASES = 'refs/runmaker/';

/** The ref that renews a lease: it holds a lease without jobs. No runner's name has a dot in it. */
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

/** Undefined for a message that is not a lease. */
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

/** The lines of the jobs that these leases name. A lease may know a line by an older number. */
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

/** Whether a state says that a runner has the job. */
export function isInHand(state: string): boolean {
  return state === State.running || state === State.claimed;
}
