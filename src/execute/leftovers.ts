import { RunmakerError } from '../errors.js';
import { EXECUTOR_KINDS } from './kinds.js';

/**
 * Refuses to set back jobs that still run without a runner: they would run twice.
 * @param queue address of the jobs' queue
 * @throws RunmakerError `queue`, with what to do
 */
export async function refuseLeftovers(queue: string): Promise<void> {
  for (const { name, leftovers } of EXECUTOR_KINDS) {
    const count = (await leftovers?.(queue)) ?? 0;
    if (count === 0) continue;
    throw new RunmakerError('queue', `${count === 1 ? '1 job' : `${count} jobs`} of an earlier run may still be under ${name}`, {
      hint: `let a runner go on with them first: runmaker --executor ${name} --attach ${queue}`,
    });
  }
}
