import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { type GitWorker, gitWorker, queueJobs } from '../../src/queue/worker.js';
import { type Repository, repository } from './git.js';

/** The waits of a worker, in ms, unless a test is about them. */
const PATIENCE = 60_000;

/** The files of Distribute, with these jobs to do. */
export function lists(jobs: readonly string[]): Record<string, string> {
  return { 'jobs.txt': jobs.map(job => `${job}\n`).join(''), 'running.txt': '', 'done.txt': '', 'lock.txt': '' };
}

/** A worker that is closed after the test, in the clone of its name. */
export async function workerIn(made: Repository, name: string, patience = PATIENCE): Promise<GitWorker> {
  const worker = await gitWorker({ url: made.bare, path: join(made.folder, name), name, patience });
  onTestFinished(() => worker.close());
  return worker;
}

/** Makes a worker look like one whose process was killed: it goes silent, and its locks block no other. */
export function kill(worker: GitWorker): void {
  rmSync(join(worker.path, '.git', 'runmaker-worker'));
}

/** Makes a worker write a file of results. */
export function leave(worker: GitWorker, file: string, content: string): void {
  mkdirSync(join(worker.path, 'results'), { recursive: true });
  writeFileSync(join(worker.path, 'results', file), content);
}

/** Makes a worker merge a branch that conflicts with its own, in results/best. */
export async function inConflict(): Promise<{ made: Repository; bob: GitWorker }> {
  const made = repository({ ...lists(['one']), 'results/best': '0\n' });
  const bob = await workerIn(made, 'bob');
  await bob.nextJob(queueJobs());
  made.edit('better', 'results/best', () => 'pat\n');
  leave(bob, 'best', 'bob\n');
  await bob.commitUpdate('halfway');
  made.git(bob.path, 'fetch', '--quiet', 'origin');
  expect(() => made.git(bob.path, 'merge', '--quiet', 'origin/main')).toThrow();
  return { made, bob };
}
