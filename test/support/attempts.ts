import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A script for the shell of a job; its comments explain how it detects two concurrent attempts at a job. */
const SCRIPT = fileURLToPath(new URL('../faults/attempt.sh', import.meta.url));

/** One start of a job. */
export interface JobAttempt {
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** Whether it ran to its end. */
  readonly whole: boolean;
}

/** Prepares a folder for jobs that read `attempt.sh`. */
export function prepareAttempts(folder: string): void {
  for (const name of ['locks', 'attempts']) mkdirSync(join(folder, name));
  copyFileSync(SCRIPT, join(folder, 'attempt.sh'));
}

/**
 * `loud`: prints · `forked`: the shell exits before its child has done the work · `free`: may run several times at once.
 */
export type AttemptKind = 'plain' | 'loud' | 'forked' | 'free';

/** The command of such a job, which works for the given seconds. */
export function attemptCommand(job: number, time: number, kind: AttemptKind = 'plain'): string {
  return `n=${job} kind=${kind} time=${time.toFixed(3)} . ./attempt.sh`;
}

/** The attempts at each job, in order. */
export function attemptsIn(folder: string): Map<number, JobAttempt[]> {
  const byJob = new Map<number, JobAttempt[]>();
  for (const name of readdirSync(join(folder, 'attempts'))) {
    const [, job, attempt] = /^(\d+)\.(\d+)\.start$/.exec(name) ?? [];
    if (job === undefined || attempt === undefined) continue;
    const tries = byJob.get(Number(job)) ?? [];
    const start = join(folder, 'attempts', name);
    tries[Number(attempt) - 1] = {
      pid: Number(readFileSync(start, 'utf8')),
      started: statSync(start).mtimeMs,
      whole: existsSync(start.replace(/start$/, 'end')),
    };
    byJob.set(Number(job), tries);
  }
  return byJob;
}

/** The violations that the attempts found themselves: two at a job at the same time. */
export function overlapsIn(folder: string): string[] {
  const path = join(folder, 'overlaps');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}
