import type { Task } from '../../src/execute/executor.js';
import { parseDirectives } from '../../src/job/directives.js';
import type { Job } from '../../src/job/job.js';

/** A claimed job with this command. */
export function jobOf(command: string | Buffer, id = '1'): Job {
  const bytes = Buffer.from(command as string);
  return { id, state: '.', command: bytes, ...parseDirectives(bytes) };
}

/** A first attempt at a job with this command. Its output is discarded, and its input is empty. */
export function taskOf(command: string | Buffer, more: Partial<Task> = {}): Task {
  const share = { needs: {}, gpus: [] };
  return { job: jobOf(command), queue: '/tmp/runs.txt', attempt: 1, share, environment: {}, output: () => undefined, ...more };
}
