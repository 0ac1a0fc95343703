import { RunmakerError } from '../../errors.js';
import { splitWords } from '../../job/shell-words.js';
import type { Executor } from '../executor.js';
import type { ExecuteOptions } from '../options.js';
import { SlurmCommands } from './commands.js';
import { SlurmExecutor } from './slurm-executor.js';

const DEFAULT_POLL = 30_000;
/** Calls of each command per second. */
const DEFAULT_RATE = 2;

/**
 * An executor for the cluster that this host submits to.
 * @throws RunmakerError `usage` if Slurm's commands are not installed or for unusable options, `queue` when slurmctld does not answer
 */
export async function openSlurmExecutor(options: ExecuteOptions): Promise<Executor> {
  const { slurm = '', poll = DEFAULT_POLL, slurmRate = DEFAULT_RATE, slurmDir, directory = process.cwd(), shell = '/bin/sh' } = options;
  const args = splitWords(slurm, 'in --slurm');
  const taken = args.find(word => /^--(array|job-name|output|error|wrap|wait|parsable|requeue|comment)\b|^-[aJoeW]/.test(word));
  if (taken !== undefined) throw new RunmakerError('usage', `--slurm ${JSON.stringify(slurm)}: ${taken} is set by runmaker`);
  if (slurmRate <= 0) throw new RunmakerError('usage', '--slurm-rate must be above 0');
  const commands = new SlurmCommands(slurmRate);
  const { arraySize } = await commands.limits();
  // MaxArraySize is one more than the largest index.
  const chunk = Math.min(options.arrayChunk ?? Number.POSITIVE_INFINITY, arraySize - 1);
  const warn = options.warn ?? (() => undefined);
  return new SlurmExecutor(commands, { args, chunk, poll, folder: slurmDir, shell, directory, warn });
}
