import { fdatasync } from 'node:fs';
import { errnoName } from '../errors.js';
import { callServer } from './server-calls.js';

/** The filesystem knows no such thing: what was written is where it can be. */
const UNKNOWN = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP']);

/** Brings what was written to an open file to the disk, or to its server: fdatasync(2), off the main thread. */
export async function syncData(fd: number): Promise<void> {
  try {
    await callServer<void>(done => fdatasync(fd, error => done(error, undefined)));
  } catch (error) {
    if (!UNKNOWN.has(errnoName(error) ?? '')) throw error;
  }
}
