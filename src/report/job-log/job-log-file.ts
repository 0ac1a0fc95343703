import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, rm, stat, writeFile } from 'node:fs/promises';
import { errnoName, isFull, RunmakerError, reason } from '../../errors.js';
import type { Warn } from '../output/write-failure.js';
import { lockEnd, needsAppendLock, type Release } from './append-lock.js';
import { JOB_LOG_HEADER } from './job-log-row.js';

const LF = 0x0a;
const LINE_FEED = Buffer.from('\n');
const HEADER = Buffer.from(JOB_LOG_HEADER);
const APPENDING = constants.O_WRONLY | constants.O_APPEND;

/** Bytes read to recognise the file: the header, or most of a row. */
const LOOK = 4096;
/** The start of the header or of a row, even of one cut short by a full disk. */
const ROW = /^(?:Seq|\d+)\t/;

/**
 * Opens the file for appending; creates a missing one with its header, if there is room.
 *
 * @throws RunmakerError `usage` if it holds something other than a job log
 */
export async function openToAppend(path: string): Promise<FileHandle> {
  await create(path);
  await refuseUnlikeJobLog(path);
  // Opening a pipe without a reader would block silently; with O_NONBLOCK it fails.
  const asked = await open(path, APPENDING | constants.O_NONBLOCK);
  try {
    return await open(path, APPENDING);
  } finally {
    await asked.close();
  }
}

/** Accepts a file, from any program, that begins with the header or a row. */
async function refuseUnlikeJobLog(path: string): Promise<void> {
  const facts = await stat(path);
  if (!facts.isFile() || facts.size === 0) return;
  let bytes: Buffer;
  try {
    bytes = await read(path, 0, Math.min(LOOK, facts.size));
  } catch (error) {
    // A write-only file cannot be checked.
    if (errnoName(error) === 'EACCES') return;
    throw error;
  }
  const first = bytes.toString('latin1').split('\n', 1)[0] as string;
  if (ROW.test(first)) return;
  throw new RunmakerError('usage', `${path} is no job log: its first line is neither the header of one nor a row`, {
    hint: `name another file for the job log, or remove this one first: rm ${path}`,
  });
}

async function read(path: string, position: number, length: number): Promise<Buffer> {
  const reader = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await reader.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await reader.close();
  }
}

/** The locks that keep other appenders off a job log. */
export interface JobLogLocks {
  /** While its end is checked and repaired. */
  toMend(): Promise<Release>;
  /** While a row is written. */
  toAppend(): Promise<Release>;
}

/**
 * If only this host can lock, rows need no lock. If locks are not supported, nothing is locked; a warning says so if rows could be lost.
 */
export async function locksFor(path: string, handle: FileHandle, warn: Warn): Promise<JobLogLocks> {
  const isShared = await needsAppendLock(path);
  const locked = () => lockEnd(handle.fd);
  const unlocked = () => Promise.resolve(() => Promise.resolve());
  try {
    await (await locked())();
    return { toMend: locked, toAppend: isShared ? locked : unlocked };
  } catch (error) {
    if (isShared) warn(`${path} cannot be locked: ${reason(error)}`, 'give each host a job log of its own, or rows get lost');
    return { toMend: unlocked, toAppend: unlocked };
  }
}

/** Prepares the end of the file for another row: an empty file gets its header, an unfinished line its newline. */
export async function mendEnd(path: string, handle: FileHandle): Promise<void> {
  const facts = await handle.stat();
  // A pipe or a device has no end to check and no rows of other runners.
  if (facts.size === 0) await writeHeader(handle, facts.isFile());
  else if (facts.isFile() && (await read(path, facts.size - 1, 1))[0] !== LF) await handle.write(LINE_FEED);
}

async function writeHeader(handle: FileHandle, isFile: boolean): Promise<void> {
  let written = 0;
  try {
    while (written < HEADER.length) written += (await handle.write(HEADER, written)).bytesWritten;
  } catch (error) {
    // A partial header would be taken for a row, and a complete one would never follow.
    if (isFile && written > 0) await handle.truncate(0);
    throw error;
  }
}

/** Filesystems without hard links, such as FAT. */
const NO_LINKS = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'];

/** Creates the file with its header in one step, so that no other runner can see it or append to it without one. */
async function create(path: string): Promise<void> {
  if (await exists(path)) return;
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, HEADER, { flag: 'wx' });
    await link(draft, path);
  } catch (error) {
    const name = errnoName(error) ?? '';
    // Another runner was first.
    if (name === 'EEXIST') return;
    if (!NO_LINKS.includes(name) && !isFull(error)) throw error;
    // An empty file gets its header when its end is repaired.
    await (await open(path, 'a')).close();
  } finally {
    await rm(draft, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return false;
    throw error;
  }
}
