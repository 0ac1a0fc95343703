import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { SEARCH_PATH } from '../../support/tags.js';

const LONGEST = 300_000;
const MOST_OUTPUT = 256 * 1024 * 1024;

/**
 * Runs a program of this host to its end, and returns its output.
 * @throws Error with its stderr, unless its exit status is 0
 */
export function tool(program: string, args: readonly string[], options: SpawnSyncOptions & { accept?: readonly number[] } = {}): Buffer {
  const { accept = [0], ...rest } = options;
  const result = spawnSync(program, args, {
    timeout: LONGEST,
    maxBuffer: MOST_OUTPUT,
    ...rest,
    env: { ...process.env, PATH: SEARCH_PATH, LC_ALL: 'C', ...rest.env },
  });
  if (result.error) throw result.error;
  if (result.status === null || !accept.includes(result.status)) {
    throw new Error(`${program} ${args.join(' ')}: exit ${result.status ?? result.signal}\n${String(result.stderr)}`);
  }
  return result.stdout as Buffer;
}
