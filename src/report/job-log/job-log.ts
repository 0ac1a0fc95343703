import type { FileHandle } from 'node:fs/promises';
import { isFull } from '../../errors.js';
import type { Attempt, Listener, RunEvent } from '../../run/events.js';
import { atServer } from '../../system/server-calls.js';
import { Attempts } from '../attempts.js';
import { cannotOpen, type Warn, WriteFailureNotice } from '../output/write-failure.js';
import { type JobLogLocks, locksFor, mendEnd, openToAppend } from './job-log-file.js';
import { jobLogRow } from './job-log-row.js';

/**
 * Opens the job log for appending; creates a missing one with its header.
 *
 * @throws RunmakerError `input` when it cannot be opened for writing
 */
export async function openJobLog(path: string, warn: Warn): Promise<JobLog> {
  try {
    const handle = await openToAppend(path);
    const log = new JobLog(path, handle, await locksFor(path, handle, warn), warn);
    await log.begin();
    return log;
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

/**
 * The job log (`--joblog`): one line per finished run, tab-separated, in GNU parallel's columns. Any number of runners on any number of
 * hosts append to one file; each row is a single write at its end.
 */
export class JobLog {
  readonly listener: Listener;
  private readonly path: string;
  private readonly handle: FileHandle;
  private readonly locks: JobLogLocks;
  private readonly loss: WriteFailureNotice;
  /** Bytes that each attempt wrote to stdout. */
  private readonly received = new Attempts<{ bytes: number }>((_attempt: Attempt) => ({ bytes: 0 }));
  private rows: Buffer[] = [];
  private writing: Promise<void> | undefined;
  /** Whether a row may be appended to the file as it is: false if the header is missing or the last row is incomplete. */
  private isFit = true;

  /** Use `openJobLog`. */
  constructor(path: string, handle: FileHandle, locks: JobLogLocks, warn: Warn) {
    this.path = path;
    this.handle = handle;
    this.locks = locks;
    this.loss = new WriteFailureNotice(warn, 'the jobs go on; rows are missing in the job log');
    this.listener = event => this.handleEvent(event);
  }

  /** Prepares the file for the first row. On a full disk, the first row that finds room does this. */
  async begin(): Promise<void> {
    this.isFit = false;
    try {
      await this.write(Buffer.alloc(0));
    } catch (error) {
      if (!isFull(error)) throw error;
      this.loss.say(this.path, error);
    }
  }

  /** Writes pending rows and closes the file. Never rejects. */
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

  /** Settles when the row is in the file. Rows that arrive during a write share the next one. */
  private append(row: Buffer): Promise<void> {
    this.rows.push(row);
    this.writing ??= this.writeRows();
    return this.writing;
  }

  private async writeRows(): Promise<void> {
    // Rows of jobs that end in the same turn of the event loop share a write as well.
    await Promise.resolve();
    while (this.rows.length > 0) {
      const rows = Buffer.concat(this.rows);
      this.rows = [];
      await this.write(rows).catch(error => this.loss.say(this.path, error));
    }
    this.writing = undefined;
  }

  private async write(rows: Buffer): Promise<void> {
    const release = await (this.isFit ? this.locks.toAppend() : this.locks.toMend());
    let written = 0;
    try {
      if (!this.isFit) await atServer(() => mendEnd(this.path, this.handle));
      this.isFit = true;
      while (written < rows.length) {
        const { bytesWritten } = await atServer(() => this.handle.write(rows, written));
        written += bytesWritten;
      }
    } catch (error) {
      // The last row written may be incomplete: the next one must not be joined to it.
      if (written > 0) this.isFit = false;
      throw error;
    } finally {
      await release();
    }
  }
}
