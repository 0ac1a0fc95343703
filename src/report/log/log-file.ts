import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { blockSize, LogBlock } from '../../compat/runmaker4/log-block.js';
import type { LogWidth } from '../../compat/runmaker4/log-record.js';
import type { OutputStream } from '../../execute/executor.js';
import { type Job, ordinalOf } from '../../job/job.js';
import type { Listener, RunEvent } from '../../run/events.js';
import { networkFilesystem } from '../../system/disk.js';
import { atServer } from '../../system/server-calls.js';
import { Attempts } from '../attempts.js';
import { endedTexts, forkedText, notStartedText, outputTag } from '../console/status-text.js';
import { LineAssembler } from '../output/line-assembler.js';
import { cannotOpen, type Warn, WriteFailureNotice } from '../output/write-failure.js';
import { checkLog } from './check-log.js';

/** What a log file holds and how often it is written. */
export interface LogFileOptions {
  /** Lines kept for each job. All writers of one file must agree on it. */
  readonly lines: number;
  /** Where the commands run, for the first record of a job. */
  readonly directory: string;
  /** This host's name without domain: a job that could not be started has no label to show. */
  readonly host: string;
  readonly warn: Warn;
  /** Milliseconds between two writes about a running job. Default: a minute. */
  readonly interval?: number;
}

const MINUTE = 60_000;

/** A job that this runner is working on. */
interface Entry {
  readonly block: LogBlock;
  readonly position: number;
  /** The write in progress. */
  writing: Promise<void> | undefined;
  /** Another write must follow the one in progress. */
  due: boolean;
  /** On the clock of `performance.now`. */
  lastWrite: number;
  /** Set when new output awaits a write because the last write was too recent. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Opens the shared log of fixed records; creates a missing one. Keeps what other runners wrote.
 *
 * @throws RunmakerError `input` when it cannot be opened for writing, `usage` when it holds something other than a log
 */
export async function openLogFile(path: string, options: LogFileOptions): Promise<LogFile> {
  try {
    const width = await checkLog(path, options.lines);
    // Unless writes are synchronous, an NFS client writes its stale copy of the whole page, over the neighbouring blocks.
    const handle = await open(path, constants.O_WRONLY | constants.O_CREAT);
    if ((await networkFilesystem(path)) === undefined) return new LogFile(path, handle, width, options);
    await handle.close();
    return new LogFile(path, await open(path, constants.O_WRONLY | constants.O_DSYNC), width, options);
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

/**
 * The shared log file (`-l`): each job has a block of 1 + n records of 160 bytes and a newline (500 in the logs of runmaker4's client for
 * TCP), at offset (k-1)·(n+1)·161 (501), where k counts jobs from 1. Any number of runners write their jobs' blocks into it.
 *
 *     .-> echo a; sleep 60s; echo A (in /home/alice)
 *     : stdout (alice,601): a
 *     : stdout (alice,601): A
 *     + status (alice,601): exit 0 "echo a; sleep 60s; echo A"
 *
 * A block is written when its job starts, at most once a minute while it runs, and when it ends.
 */
export class LogFile {
  readonly listener: Listener;
  private readonly path: string;
  private readonly handle: FileHandle;
  private readonly width: LogWidth;
  private readonly options: LogFileOptions;
  private readonly loss: WriteFailureNotice;
  private readonly entries = new Map<number, Entry>();
  private readonly assemblers = new Attempts<Record<OutputStream, LineAssembler>>(() => ({
    stdout: new LineAssembler(),
    stderr: new LineAssembler(),
  }));
  private readonly writes = new Set<Promise<void>>();

  /** Use `openLogFile`. */
  constructor(path: string, handle: FileHandle, width: LogWidth, options: LogFileOptions) {
    this.path = path;
    this.handle = handle;
    this.width = width;
    this.options = options;
    this.loss = new WriteFailureNotice(options.warn, 'the jobs go on; what they print now is missing in the log file');
    this.listener = event => this.handleEvent(event);
  }

  /** Writes what is pending and closes the file. Never rejects. */
  async close(): Promise<void> {
    for (const entry of this.entries.values()) if (entry.timer !== undefined) void this.write(entry);
    this.entries.clear();
    await Promise.all(this.writes);
    await this.handle.close().catch(error => this.loss.say(this.path, error));
  }

  private handleEvent(event: RunEvent): void | Promise<void> {
    switch (event.type) {
      case 'started': {
        this.assemblers.begin(event);
        const entry = this.entryOf(event.job);
        entry.block.addStatus(forkedText(event));
        // Not awaited: the write at the end of the job is.
        void this.write(entry);
        return;
      }
      case 'output': {
        const lines = this.assemblers.of(event)[event.stream].push(event.bytes);
        if (lines === undefined) return;
        const entry = this.entryOf(event.job);
        entry.block.addOutput(event.stream, outputTag(event.stream, event.label), lines);
        this.writeInTime(entry);
        return;
      }
      case 'ended': {
        const { block } = this.entryOf(event.job);
        const rest = this.assemblers.end(event);
        for (const stream of ['stdout', 'stderr'] as const) {
          const last = rest[stream].flush();
          if (last !== undefined) block.addOutput(stream, outputTag(stream, event.label), last);
        }
        for (const text of endedTexts(event)) block.addStatus(text);
        return this.writeLast(event.job, !event.again);
      }
      case 'notStarted':
        this.entryOf(event.job).block.addStatus(notStartedText(event, this.options.host));
        return this.writeLast(event.job, true);
      default:
        return;
    }
  }

  /** One entry for all attempts at a job: the log shows the job's last lines, from whichever attempt. */
  private entryOf(job: Job): Entry {
    const ordinal = ordinalOf(job);
    let entry = this.entries.get(ordinal);
    if (entry === undefined) {
      entry = {
        block: new LogBlock(job.command, this.options.directory, this.options.lines, this.width),
        position: (ordinal - 1) * blockSize(this.options.lines, this.width),
        writing: undefined,
        due: false,
        lastWrite: Number.NEGATIVE_INFINITY,
        timer: undefined,
      };
      this.entries.set(ordinal, entry);
    }
    return entry;
  }

  private writeLast(job: Job, forget: boolean): Promise<void> {
    const entry = this.entryOf(job);
    if (forget) this.entries.delete(ordinalOf(job));
    return this.write(entry);
  }

  private writeInTime(entry: Entry): void {
    if (entry.timer !== undefined) return;
    const since = performance.now() - entry.lastWrite;
    const pause = Math.max(0, (this.options.interval ?? MINUTE) - since);
    // Does not keep an idle runner alive: closing the log writes what is missing.
    entry.timer = setTimeout(() => void this.write(entry), pause).unref();
  }

  /** Writes the block in its current form, or in its form when the write in progress has ended. Settles when it is in the file. */
  private write(entry: Entry): Promise<void> {
    clearTimeout(entry.timer);
    entry.timer = undefined;
    entry.due = true;
    entry.writing ??= this.track(this.writeWhileDue(entry));
    return entry.writing;
  }

  private async writeWhileDue(entry: Entry): Promise<void> {
    while (entry.due) {
      entry.due = false;
      entry.lastWrite = performance.now();
      try {
        await writeAt(this.handle, entry.block.bytes(), entry.position);
      } catch (error) {
        this.loss.say(this.path, error);
      }
    }
    entry.writing = undefined;
  }

  private track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => this.writes.delete(tracked));
    this.writes.add(tracked);
    return tracked;
  }
}

/** Writes all bytes: the system may write fewer at a time. */
async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await atServer(() => handle.write(bytes, written, bytes.length - written, position + written));
    written += bytesWritten;
  }
}
