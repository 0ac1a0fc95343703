/*
 * reading/: everything that only reads a runs file. The view keeps an index of all lines up to date, look by look; other files here read
 * single lines, blocks of jobs, counts and plans.
 */
import { setTimeout } from 'node:timers/promises';
import { jitter } from '../../../async/backoff.js';
import { Throttle } from '../../../async/throttle.js';
import { NOT_A_JOB } from '../../../job/line.js';
import { type FileFacts, isWritableByOthers } from '../../../system/disk.js';
import { hostClock } from '../../../system/host-clock.js';
import type { LockableFile, LockDriver } from '../locks/lock-driver.js';
import { freshen } from '../locks/try-lock.js';
import { SAVING } from '../patience.js';
import type { LineIndex } from './line-index.js';
import { refreshStates } from './refresh-states.js';
import { scan } from './scan.js';
import { UnfinishedLine } from './unfinished-line.js';

/** Two writes within this time, in ms, may leave the same modification time: the kernel's tick is at most 10. */
const CLOCK_TICK = 20;
/** The coarsest modification times of local filesystems, in ms: those of FAT. */
const COARSEST_TIME = 2000;
/** A look is followed by this many times its cost of doing something else. */
const REST = 10;
/** But not by more where a server answers, in ms. */
const LONGEST_REST = 5000;
/** Pause between two looks of a caller that waits for news, in ms. */
const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 800;
/** Who has enough to do looks up now and then all the same: after so many times what the last look has cost, and so many ms. */
const BUSY_REST = { times: 100, local: 100, network: 5000 };

/**
 * What one process knows of a runs file: the index of its lines, as of the last look.
 * It may be out of date at any moment; a caller that acts on it checks the line under its lock first.
 */
export class FileView {
  private current: LineIndex | undefined;
  private facts: FileFacts | undefined;
  /** Whether the next look is to read the file, whatever its times say. */
  private isInDoubt = false;
  /** When the present modification time was first seen, and when the last reading began: together they tell if it can be trusted. */
  private modifiedSeenAt = 0;
  private readAt = 0;
  /** Whether the last reading began when the modification time was long past, by this host's clock: later changes have another. */
  private readLate = false;
  private readonly rest: Throttle;
  private readonly busyRest = new Throttle(BUSY_REST.times);
  private lookedAt = 0;
  private readonly openEnd: UnfinishedLine;
  private shrunkAt = Number.NEGATIVE_INFINITY;
  private pending: Promise<boolean> | undefined;
  /** End the rests of callers that wait for their turn to look. */
  private readonly resting = new Set<AbortController>();
  /** Grows whenever a look shows something new. */
  version = 0;
  /** Grows whenever line numbers may have changed their meaning. */
  generation = 0;
  /** Grows whenever something was changed but states and what was appended, or another file was put in the place of this one. */
  edits = 0;

  constructor(
    readonly path: string,
    private readonly driver: LockDriver,
    private readonly onState?: (line: number, state: number) => void,
  ) {
    // The other drivers do not know where the file lies, and a server has a clock of its own.
    this.openEnd = new UnfinishedLine(driver.name === 'record' && !driver.staleLooks);
    this.rest = new Throttle(REST, driver.staleLooks ? LONGEST_REST : undefined);
  }

  /** The index, as of the last look; looks if there was none. */
  async index(): Promise<LineIndex> {
    if (this.current === undefined) await this.look();
    return this.current as LineIndex;
  }

  /** Looks at the file and says whether anything differs from the last look. Callers at the same time share one look. */
  look(): Promise<boolean> {
    this.pending ??= this.lookNow()
      .then(changed => {
        if (changed) this.version++;
        return changed;
      })
      .finally(() => {
        this.pending = undefined;
      });
    return this.pending;
  }

  /**
   * The same, but never more often than its cost allows: who looks after every job must not spend its time looking.
   * A state that is noted while it rests is news as well, and it returns at once.
   */
  async lookInTurn(signal?: AbortSignal): Promise<boolean> {
    const { left } = this.rest;
    if (left > 0 && (await this.isWokenWithin(left, signal))) return true;
    return this.look();
  }

  /**
   * Looks if it has been a while: for whoever knows of enough to do, but not whether somebody has set back what that waits for, or has
   * edited the file.
   */
  async lookWhenBusy(): Promise<void> {
    const shortest = this.driver.staleLooks ? BUSY_REST.network : BUSY_REST.local;
    if (this.busyRest.left <= 0 && performance.now() - this.lookedAt >= shortest) await this.look();
  }

  /** Whether a state was noted meanwhile. */
  private async isWokenWithin(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
    signal?.throwIfAborted();
    const noted = new AbortController();
    this.resting.add(noted);
    try {
      await setTimeout(ms, undefined, { signal: signal ? AbortSignal.any([signal, noted.signal]) : noted.signal });
    } catch (error) {
      if (signal?.aborted) throw error;
    } finally {
      this.resting.delete(noted);
    }
    return noted.signal.aborted;
  }

  /** What is known may be wrong: the next look reads all states. */
  doubt(): void {
    this.isInDoubt = true;
  }

  /** Whether there was a file at the last look. */
  get wasSeen(): boolean {
    return this.facts !== undefined;
  }

  /** Whether every user of the host may write the file. */
  get writableByAll(): boolean {
    return this.facts !== undefined && isWritableByOthers(this.facts.mode);
  }

  /** Whether an open file is the one that the index speaks of. It may have grown. */
  async isLookingAt(file: LockableFile): Promise<boolean> {
    const facts = await file.facts();
    return this.facts !== undefined && facts.identity === this.facts.identity && facts.size >= this.facts.size;
  }

  /** Whether the file became shorter a moment ago: an editor that saves in place empties it first. */
  get mayBeHalfSaved(): boolean {
    return performance.now() - this.shrunkAt < SAVING;
  }

  /** The last line, as of the last look, while it may still be being written; else 0. */
  get growing(): number {
    return this.openEnd.left > 0 ? this.openEnd.line : 0;
  }

  /** For how long, in ms, it is not to be claimed if nothing is written to it. */
  get growsFor(): number {
    return this.openEnd.left;
  }

  /** Notes a state that was just read or written under a lock. */
  note(start: number, state: number): void {
    for (const noted of this.resting) noted.abort();
    const index = this.current;
    if (index === undefined) return;
    const line = index.lineAround(start);
    if (line > 0 && index.startOf(line) === start && index.stateAt(line) !== NOT_A_JOB) index.setState(line, state);
  }

  private async lookNow(): Promise<boolean> {
    const began = performance.now();
    const file = await this.driver.open(this.path, 'look');
    try {
      await freshen(file, this.driver, this.path);
      return await this.compare(file, began);
    } catch (error) {
      // What was read by half must not pass for known.
      this.doubt();
      throw error;
    } finally {
      await file.close();
      this.rest.ended(began);
      this.busyRest.ended(began);
      this.lookedAt = performance.now();
    }
  }

  private async compare(file: LockableFile, began: number): Promise<boolean> {
    const before = this.facts;
    const facts = await file.facts();
    const sameModified = before !== undefined && before.modified === facts.modified;
    const isSame = before !== undefined && isSameFile(before, facts);
    const sameSize = before?.size === facts.size;
    const tellsAll = !this.isInDoubt && (this.readLate || this.readAt - this.modifiedSeenAt >= CLOCK_TICK);
    if (isSame && sameSize && sameModified && tellsAll) return false;

    if (!sameModified) this.modifiedSeenAt = began;
    this.readAt = began;
    // A server has a clock of its own, with which ours cannot be compared.
    this.readLate = !this.driver.staleLooks && hostClock.now() - facts.modified > COARSEST_TIME + CLOCK_TICK;
    this.facts = facts;
    if (before !== undefined && facts.size < before.size) this.shrunkAt = began;
    this.isInDoubt = false;
    const differing = isSame && this.current ? await refreshStates(file, this.current) : undefined;
    if (differing !== undefined && sameSize) return differing > 0;
    if (differing === undefined) this.edits++;
    this.current = await scan(file, facts.size);
    this.current.onState = this.onState;
    this.openEnd.note(this.current, facts);
    this.generation++;
    return true;
  }

  /** How long to pause between two looks, in ms, for news within a second; two over a network, where the look itself takes its time. */
  pause(): number {
    const pause = this.driver.staleLooks ? LONGEST_PAUSE : Math.min(Math.max(SHORTEST_PAUSE, this.rest.left), LONGEST_PAUSE);
    return pause + jitter();
  }
}

/** An inode that was given up may be given to another file. */
function isSameFile(before: FileFacts, now: FileFacts): boolean {
  if (before.identity !== now.identity) return false;
  // Where the system does not report creation times, Node gives the time of the last change instead.
  const isUnknown = before.born === before.touched && now.born === now.touched;
  return before.born === now.born || isUnknown;
}
