import fs from 'node:fs';
import { Backoff } from '../../async/backoff.js';
import { errnoName } from '../../errors.js';
import { atServer, callServer } from '../../system/server-calls.js';
import { behind, FEW_BYTES, sizeOf, writeSome } from './parts.js';

/** Takes the bytes that a listener writes. */
export interface Sink {
  /**
   * Takes ownership of bytes: the caller must not touch the buffer again. A returned promise asks for a pause because much is pending; it
   * settles when there is room again. It never rejects.
   */
  give(bytes: Buffer): void | Promise<void>;
  /** Number of bytes given and not yet written. */
  readonly waiting: number;
  /** Settles when everything given so far has been written or dropped. Never rejects. */
  flush(): Promise<void>;
}

/** Options of a ByteSink; all have defaults. */
export interface ByteSinkOptions {
  /** Above this many pending bytes `give` and `write` ask for a pause. Default 1 MiB. */
  readonly highWater?: number;
  /**
   * True for files opened for the sink, false (the default) for 1 and 2: the sink closes the descriptor, and, because a file server may
   * block the writes, always leaves a thread free for other work.
   */
  readonly owned?: boolean;
  /** Called once when the reader has gone (EPIPE). Later bytes are dropped silently. */
  readonly onGone?: () => void;
  /** Called once for the first failure of any other kind. Drops the current batch and tries later ones: a disk can have room again. */
  readonly onError?: (error: unknown) => void;
  /** Also drops everything after the first failure: for files of which a complete beginning is worth more than parts with gaps. */
  readonly stopAtError?: boolean;
  /** Writes some of these bytes and returns how many. Default: at the current position, off the event loop. */
  readonly write?: (fd: number, parts: readonly Buffer[]) => Promise<number>;
}

const HIGH_WATER = 1024 * 1024;
/** Pending bytes are written in batches of about this size, for few system calls. */
const BATCH = 1024 * 1024;
/** IOV_MAX of Linux: the most parts that one call writes. */
const MOST_PARTS = 1024;
/** Between two small writes, in ms: too short to notice. */
const LULL = 5;
/** Pauses in ms before a descriptor that was not ready is tried again: a stopped terminal costs next to nothing. */
const RETRY = { first: 1, longest: 16, spread: 0 };

/**
 * Writes bytes to a descriptor, in order, without ever blocking the event loop: one write at a time in the thread pool; bytes that arrive
 * meanwhile go into the next one. A stalled reader therefore blocks a thread, never the program.
 */
export class ByteSink implements Sink {
  private readonly descriptor: Promise<number>;
  private readonly options: ByteSinkOptions;
  private readonly highWater: number;
  private readonly writeSome: (fd: number, parts: readonly Buffer[]) => Promise<number>;
  private queue: Buffer[] = [];
  private writing = false;
  private given = 0;
  private settled = 0;
  /** Callers waiting until this many bytes in all are settled. */
  private waiters: { readonly until: number; readonly resolve: () => void }[] = [];
  private dropping = false;
  private gone = false;
  private failed = false;
  private closed: Promise<void> | undefined;
  private wroteAt = Number.NEGATIVE_INFINITY;
  /** Ends a lull. */
  private hurry: (() => void) | undefined;

  /** @param descriptor an open descriptor, or the promise of one: bytes given meanwhile wait for it */
  constructor(descriptor: number | Promise<number>, options: ByteSinkOptions = {}) {
    this.descriptor = Promise.resolve(descriptor);
    this.options = options;
    this.highWater = options.highWater ?? HIGH_WATER;
    this.writeSome = options.write ?? (options.owned ? (fd, bytes) => atServer(() => writeSome(fd, bytes)) : writeSome);
    // The failure is reported where the descriptor is used; this only keeps it from counting as unhandled.
    this.descriptor.catch(() => undefined);
  }

  get waiting(): number {
    return this.given - this.settled;
  }

  /** Like `give`, for borrowed bytes: copies them. */
  write(bytes: Buffer): void | Promise<void> {
    return this.dropping ? undefined : this.give(Buffer.from(bytes));
  }

  give(bytes: Buffer): void | Promise<void> {
    if (this.dropping || bytes.length === 0) return;
    this.queue.push(bytes);
    this.given += bytes.length;
    if (!this.writing) void this.run();
    else if (this.waiting >= FEW_BYTES) this.hurry?.();
    // Half, so that the writer does not run dry before a paused job has resumed.
    if (this.waiting > this.highWater) return this.settledUntil(this.given - Math.floor(this.highWater / 2));
  }

  flush(): Promise<void> {
    return this.settledUntil(this.given);
  }

  /** Writes pending bytes, then takes no more. Closes the descriptor if it is owned. Never rejects. */
  close(): Promise<void> {
    this.closed ??= this.finish();
    return this.closed;
  }

  private async finish(): Promise<void> {
    const flushed = this.flush();
    this.dropping = true;
    await flushed;
    if (!this.options.owned) return;
    try {
      const fd = await this.descriptor;
      // Network filesystems and quotas may report a failed write only on close.
      await callServer<void>(done => fs.close(fd, done as fs.NoParamCallback));
    } catch (error) {
      this.fail(error);
    }
  }

  private settledUntil(until: number): Promise<void> {
    if (this.settled >= until) return Promise.resolve();
    this.hurry?.();
    return new Promise(resolve => this.waiters.push({ until, resolve }));
  }

  private settle(bytes: number): void {
    this.settled += bytes;
    if (this.waiters.length === 0) return;
    const ready = this.waiters.filter(waiter => waiter.until <= this.settled);
    this.waiters = this.waiters.filter(waiter => waiter.until > this.settled);
    for (const waiter of ready) waiter.resolve();
  }

  private async run(): Promise<void> {
    this.writing = true;
    try {
      const fd = await this.descriptor;
      while (this.queue.length > 0) {
        if (this.inNoHurry) await this.moreOrLater();
        const batch = this.nextBatch();
        const size = sizeOf(batch);
        await this.writeAll(fd, batch, size);
        this.settle(size);
        this.wroteAt = performance.now();
      }
    } catch (error) {
      // There is no descriptor, and there will be none.
      this.fail(error);
      this.drop();
    }
    this.writing = false;
  }

  /** Whether little is pending, no caller waits for it, and the last write was a moment ago. */
  private get inNoHurry(): boolean {
    return this.waiting < FEW_BYTES && this.waiters.length === 0 && performance.now() - this.wroteAt < LULL;
  }

  /** Every write uses another thread: many small ones at once cost a runner of short jobs more than the output itself. */
  private moreOrLater(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => this.hurry?.(), LULL);
      this.hurry = () => {
        clearTimeout(timer);
        this.hurry = undefined;
        resolve();
      };
    });
  }

  private nextBatch(): Buffer[] {
    let size = 0;
    let count = 0;
    while (count < this.queue.length && count < MOST_PARTS && size < BATCH) size += this.queue[count++]!.length;
    const batch = count === this.queue.length ? this.queue : this.queue.slice(0, count);
    this.queue = count === this.queue.length ? [] : this.queue.slice(count);
    return batch;
  }

  private async writeAll(fd: number, batch: readonly Buffer[], size: number): Promise<void> {
    let parts = batch;
    let written = 0;
    let backoff: Backoff | undefined;
    while (written < size) {
      try {
        const count = await this.writeSome(fd, parts);
        written += count;
        if (written < size) parts = behind(parts, count);
        backoff?.reset();
      } catch (error) {
        if (errnoName(error) !== 'EAGAIN') return this.fail(error);
        backoff ??= new Backoff(RETRY);
        await backoff.wait();
      }
    }
  }

  private fail(error: unknown): void {
    if (errnoName(error) === 'EPIPE') {
      this.drop();
      if (!this.gone) this.options.onGone?.();
      this.gone = true;
    } else {
      if (this.options.stopAtError) this.drop();
      if (!this.failed) this.options.onError?.(error);
      this.failed = true;
    }
  }

  /** Drops pending bytes and takes no more. */
  private drop(): void {
    this.dropping = true;
    const size = sizeOf(this.queue);
    this.queue = [];
    this.settle(size);
  }
}
