import { posixSpawner } from '../../system/posix-spawn.js';
import type { Executor } from '../executor.js';
import type { ShellOptions } from '../options.js';
import { NodeExecutor } from './node-executor.js';
import { resolveShell } from './shell.js';
import { SpawnExecutor } from './spawn-executor.js';

/**
 * Runs commands as `sh -c command`, each in a session and process group of its own, with empty standard input: started by posix_spawn(3)
 * where it is available, otherwise by Node itself.
 *
 * @throws RunmakerError `usage` when the shell or the directory cannot be used
 */
export function shellExecutor(options: ShellOptions = {}): Executor {
  const shell = resolveShell(options);
  const spawner = posixSpawner();
  return spawner ? new SpawnExecutor(shell, spawner) : new NodeExecutor(shell);
}
