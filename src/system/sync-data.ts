import { fdatasync } from 'node:fs';
import { errnoName } from '../errors.js';
import { callServer } from './server-calls.js';

/** The filesystem does not support it: written data is as safe as it can be. */
const UNKNOWN = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP']);

/** Flushes an open file to the disk or its server: fdatasync(2), off the main thread. */
export async function syncData(fd: number): Promise<void> {
  try {
    await callServer<void>(done => fdatasync(fd, error => done(error, undefined)));
  } catch (error) {
    if (!UNKNOWN.has(errnoName(error) ?? '')) throw error;
  }
}
