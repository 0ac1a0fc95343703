import path from 'node:path';
import process from 'node:process';
import type { Executor } from '../executor.js';
import type { ExecuteOptions } from '../options.js';
import { ContainerExecutor } from './container-executor.js';
import { engineAddress } from './engine/address.js';

/**
 * Runs jobs in containers of the engine that DOCKER_HOST names. Does not contact the engine before a job needs it.
 * @throws RunmakerError `usage` when DOCKER_HOST is not a usable address
 */
export function openContainerExecutor({ image, directory = '.', pullLimit }: ExecuteOptions): Executor {
  return new ContainerExecutor({ address: engineAddress(process.env), image, directory: path.resolve(directory), pullLimit });
}
