import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, rm, stat, writeFile } from 'node:fs/promises';
import { errnoName } from '../errors.js';
import type { Attempt, Listener, RunEvent } from '../run/events.js';
import { atServer } from '../system/server-calls.js';
import { lockEnd, needsAppendLock, type Release } from './append-lock.js';
import { Attempts } from './attempts.js';
import { JOB_LOG_HEADER, jobLogRow } from './job-log-row.js';
import { cannotOpen, LossNotice, reason, type Warn } from './loss.js';

const LF = 0x0a;
const LINE_FEED = Buffer.from('\n');

/**
 * Opens the job log for appending and creates it, with its header, when it is missing.
 *
 * @throws RunmakerError `input` when it cannot be opened for writing
 */
export async function openJobLog(path: string, warn: Warn): Promise<JobLog> {
  try {
    await create(path);
    const handle = await open(path, constants.O_WRONLY | constants.O_APPEND);
    const lock = await lockFor(path, handle, warn);
    return new JobLog(path, handle, lock, warn);
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

/**
 * The job log (`--joblog`): a line for each finished run, tab-separated, in GNU parallel's columns. Any number of runners on any
 * number of hosts append to one file; each row is one write at its end.
 */
export class JobLog {
  readonly listener: Listener;
  private readonly path: string;
  private readonly handle: FileHandle;
  private readonly lock: () => Promise<Release>;
  private readonly loss: LossNotice;
  /** Bytes that each attempt has written to stdout. */
  private readonly received = new Attempts<{ bytes: number }>((_attempt: Attempt) => ({ bytes: 0 }));
  private rows: Buffer[] = [];
  private writing: Promise<void> | undefined;
  /** A row may stand in the file by half. */
  private torn = false;

  /** Use `openJobLog`. `lock` is taken around each write. */
  constructor(path: string, handle: FileHandle, lock: () => Promise<Release>, warn: Warn) {
    this.path = path;
    this.handle = handle;
    this.lock = lock;
    this.loss = new LossNotice(warn, 'the jobs go on; rows are missing in the job log');
    this.listener = event => this.handleEvent(event);
  }

  /** Writes what waits and closes the file. Never rejects. */
  async close(): Promise<void> {
    await this.writing;
    await this.handle.close().catch(error => this.loss.say(this.path, error));
  }

  private handleEvent(event: RunEvent): void | Promise<void> {
    switch (event.type) {
      case 'started':
        this.received.begin(event);
        return;
      case 'output':
        if (event.stream === 'stdout') this.received.of(event).bytes += event.bytes.length;
        return;
      case 'ended': {
        const row = jobLogRow(event, this.received.end(event).bytes);
        return row === undefined ? undefined : this.append(row);
      }
      default:
        return;
    }
  }

  /** Settles when the row stands in the file. Rows that come while one is written go together into the next write. */
  private append(row: Buffer): Promise<void> {
    this.rows.push(row);
    this.writing ??= this.writeRows();
    return this.writing;
  }

  private async writeRows(): Promise<void> {
    // Rows of jobs that end in the same turn of the event loop go together as well.
    await Promise.resolve();
    while (this.rows.length > 0) {
      const rows = Buffer.concat(this.torn ? [LINE_FEED, ...this.rows] : this.rows);
      this.rows = [];
      await this.write(rows).catch(error => this.loss.say(this.path, error));
    }
    this.writing = undefined;
  }

  private async write(rows: Buffer): Promise<void> {
    const release = await this.lock();
    let written = 0;
    try {
      while (written < rows.length) {
        const { bytesWritten } = await atServer(() => this.handle.write(rows, written));
        written += bytesWritten;
      }
      this.torn = false;
    } catch (error) {
      // Of what did arrive, the last row is whole only by chance: the next one must not be glued to it.
      this.torn ||= written > 0;
      throw error;
    } finally {
      await release();
    }
  }
}

/** Makes the file appear with its header in it, so that no other runner can see it or append to it before. */
async function create(path: string): Promise<void> {
  if (await exists(path)) return;
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, JOB_LOG_HEADER, { flag: 'wx' });
    await link(draft, path);
  } catch (error) {
    const name = errnoName(error) ?? '';
    // Somebody else was first.
    if (name === 'EEXIST') return;
    // A filesystem without hard links, such as FAT. What is empty gets its header below.
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(name)) throw error;
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

/**
 * Makes the end of the file fit for another row: an empty file gets its header, an unfinished line its newline.
 *
 * @returns how to lock the file for each write that follows
 */
async function lockFor(path: string, handle: FileHandle, warn: Warn): Promise<() => Promise<Release>> {
  const isShared = await needsAppendLock(path);
  const unlocked = () => Promise.resolve(() => Promise.resolve());
  let lock = () => lockEnd(handle.fd);
  let release: Release;
  try {
    release = await lock();
  } catch (error) {
    if (isShared) warn(`${path} cannot be locked: ${reason(error)}`, 'give each host a job log of its own, or rows get lost');
    lock = unlocked;
    release = await lock();
  }
  try {
    await mend(path, handle);
  } finally {
    await release();
  }
  return isShared ? lock : unlocked;
}

async function mend(path: string, handle: FileHandle): Promise<void> {
  const facts = await handle.stat();
  // A pipe or a device has no end that could be looked at, and nobody else's rows.
  if (facts.size === 0) await handle.write(JOB_LOG_HEADER);
  else if (facts.isFile() && (await lastByte(path, facts.size)) !== LF) await handle.write(LINE_FEED);
}

async function lastByte(path: string, size: number): Promise<number | undefined> {
  const reader = await open(path, 'r');
  try {
    const { buffer } = await reader.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0];
  } finally {
    await reader.close();
  }
}
