import { setTimeout } from 'node:timers/promises';
import { State } from '../../../job/state.js';
import type { LockDriver } from '../locks/lock-driver.js';
import { freshen, lockWithin } from '../locks/try-lock.js';
import { presenceByte } from '../presence/presence-byte.js';
import type { FileView } from '../reading/file-view.js';
import { type FileJob, readJobs } from '../reading/read-jobs.js';
import { commandIn, readLine } from '../reading/read-line.js';
import type { DiskSync } from './disk-sync.js';
import type { StateWriter } from './state-writer.js';

const RUNNING = State.running.charCodeAt(0);
/** The states of so many lines are kept, the latest: a copy that is saved was seldom made before them. */
const MOST_LINES = 100_000;
/** Between two looks while waiting for other runners, in ms. */
const LOOK_PAUSE = 100;
/** How long, in ms, to try for a line that another process has locked. */
const LOCK_PATIENCE = 1000;

/** What is needed of a file to put its states right. */
export interface EditedFile {
  readonly path: string;
  readonly driver: LockDriver;
  readonly view: FileView;
  readonly writer: StateWriter;
  readonly syncer: DiskSync;
}

/** What is known of a line that this process has written to. */
interface WrittenLine {
  /** Its command. */
  readonly key: string;
  /** Where it was seen last. */
  number: number;
  /** States that were overtaken. */
  readonly past: Set<number>;
  now: number;
}

/**
 * The states that this process has written. An editor that saves a copy of minutes ago brings back states that were overtaken before: that
 * is not an order to run the jobs again, and they are put right. States that were changed without an edit, as runset does it, are meant.
 */
export class StaleSaves {
  /** By command: of identical lines any may stand for another. */
  private readonly lines = new Map<string, WrittenLine[]>();
  private readonly byNumber = new Map<number, WrittenLine>();
  /** Of the view, when the states were right last. */
  private edits: number | undefined;
  private settlesAt = 0;
  private underWay: Promise<number> | undefined;

  /** @param settled how long, in ms, other runners may take to put right what they have written */
  constructor(private readonly settled: number) {}

  /** This process has changed a state. */
  wrote(number: number, command: Buffer, before: number, state: number): void {
    const key = command.toString('latin1');
    const there = this.byNumber.get(number);
    const line = there?.key === key ? there : before === RUNNING ? this.movedTo(number, key) : undefined;
    if (line) overtake(line, state);
    else this.add({ key, number, past: new Set([before]), now: state });
    if (this.byNumber.size > MOST_LINES) this.forgetOldest();
  }

  /** The line that was claimed elsewhere and ends here: an edit has moved it. Of identical lines any may stand for another. */
  private movedTo(number: number, key: string): WrittenLine | undefined {
    const line = this.lines.get(key)?.find(({ now }) => now === RUNNING);
    if (line === undefined) return undefined;
    if (this.byNumber.get(line.number) === line) this.byNumber.delete(line.number);
    line.number = number;
    this.byNumber.set(number, line);
    return line;
  }

  private add(line: WrittenLine): void {
    this.byNumber.set(line.number, line);
    const same = this.lines.get(line.key);
    if (same) same.push(line);
    else this.lines.set(line.key, [line]);
  }

  /** A state was seen in the file, in lines that are where they were. */
  saw(number: number, state: number): void {
    const line = this.byNumber.get(number);
    if (line) overtake(line, state);
  }

  /** Puts stale states right if the file was edited since this was done last, and says how many there were. */
  putRight(runs: EditedFile): Promise<number> {
    this.underWay ??= this.putRightNow(runs).finally(() => {
      this.underWay = undefined;
    });
    return this.underWay;
  }

  private async putRightNow(runs: EditedFile): Promise<number> {
    const { edits } = runs.view;
    if (edits === this.edits) return 0;
    // The first look at a file is no edit.
    const isFirst = this.edits === undefined && edits <= 1;
    this.edits = edits;
    if (isFirst) return 0;
    this.settlesAt = performance.now() + this.settled;
    if (this.lines.size === 0) return 0;
    const file = await runs.driver.open(runs.path, 'change');
    let count = 0;
    try {
      await freshen(file, runs.driver, runs.path);
      for (const { line, job } of await this.staleIn(readJobs(file), runs.view.mayBeHalfSaved)) {
        if (!(await lockWithin(file, 'exclusive', job.offset, 1, LOCK_PATIENCE))) continue;
        try {
          const now = (await file.isAt(runs.path)) ? await readLine(file, job.offset, job.end) : undefined;
          if (now === undefined || !line.past.has(now.state) || !commandIn(now).equals(job.command)) continue;
          // Another runner may have taken it for new: then it is being run again, and its end is to be written.
          if (now.state === RUNNING && runs.driver.presence && !(await file.isFree(presenceByte(job.offset), 1))) continue;
          const written = await runs.writer.write(file, line.now, { number: job.number, start: job.offset, end: job.end, now });
          if (written) count++;
        } finally {
          await file.unlock(job.offset, 1);
        }
      }
    } catch (error) {
      this.edits = Number.NaN;
      throw error;
    } finally {
      await file.close();
    }
    if (count > 0) {
      runs.view.doubt();
      await runs.view.look();
      this.edits = runs.view.edits;
      runs.syncer.note();
      runs.writer.tell?.({ kind: 'news', ...describeStaleSave(runs.path, count) });
    }
    return count;
  }

  /**
   * Waits until other runners have put right what they have written, after an edit, and goes on looking meanwhile: they wait for this one,
   * too. Says whether that took any time.
   */
  async settle(runs: EditedFile, signal?: AbortSignal): Promise<boolean> {
    if (this.settlesAt <= performance.now()) return false;
    for (let left = this.settled; left > 0; left = this.settlesAt - performance.now()) {
      await setTimeout(Math.min(left, LOOK_PAUSE), undefined, signal ? { signal } : {});
      await runs.view.look();
      await this.putRight(runs);
    }
    return true;
  }

  /**
   * The lines whose states are stale, where they are now. Lines that are not there any more are forgotten, unless the rest of the file may
   * be about to be written.
   */
  private async staleIn(
    blocks: AsyncIterable<{ jobs: readonly FileJob[] }>,
    isHalfSaved: boolean,
  ): Promise<{ line: WrittenLine; job: FileJob }[]> {
    const lengths = new Set([...this.lines.keys()].map(key => key.length));
    const found = new Map<string, FileJob[]>();
    for await (const { jobs } of blocks) {
      for (const job of jobs) {
        if (!lengths.has(job.command.length)) continue;
        const key = job.command.toString('latin1');
        if (!this.lines.has(key)) continue;
        const same = found.get(key);
        if (same) same.push(job.kept());
        else found.set(key, [job.kept()]);
      }
    }
    const stale: { line: WrittenLine; job: FileJob }[] = [];
    this.byNumber.clear();
    for (const [key, lines] of this.lines) {
      const pairs = pairUp(lines, found.get(key) ?? []);
      for (const { line, job } of pairs) {
        const state = job.state.charCodeAt(0);
        line.number = job.number;
        this.byNumber.set(job.number, line);
        if (line.past.has(state)) stale.push({ line, job });
        else overtake(line, state);
      }
      if (isHalfSaved) continue;
      if (pairs.length === 0) this.lines.delete(key);
      else
        this.lines.set(
          key,
          pairs.map(({ line }) => line),
        );
    }
    return stale;
  }

  private forgetOldest(): void {
    for (const [number, line] of this.byNumber) {
      this.byNumber.delete(number);
      const same = this.lines.get(line.key);
      if (same?.[0] === line) same.shift();
      if (same === undefined || same.length === 0) this.lines.delete(line.key);
      return;
    }
  }
}

function overtake(line: WrittenLine, state: number): void {
  if (line.now === state) return;
  line.past.add(line.now);
  line.past.delete(state);
  line.now = state;
}

/**
 * Finds for lines that say the same which jobs they are now. First come the jobs that are in the right states, so that no more of them are
 * put right than need be.
 */
function pairUp(lines: readonly WrittenLine[], jobs: readonly FileJob[]): { line: WrittenLine; job: FileJob }[] {
  const byState = new Map<number, FileJob[]>();
  for (const job of jobs) {
    const state = job.state.charCodeAt(0);
    const same = byState.get(state);
    if (same) same.push(job);
    else byState.set(state, [job]);
  }
  const pairs: { line: WrittenLine; job: FileJob }[] = [];
  const taken = new Set<FileJob>();
  const others: WrittenLine[] = [];
  for (const line of [...lines].sort((a, b) => a.number - b.number)) {
    const job = byState.get(line.now)?.shift();
    if (job === undefined) {
      others.push(line);
      continue;
    }
    taken.add(job);
    pairs.push({ line, job });
  }
  const left = jobs.filter(job => !taken.has(job));
  for (const [at, line] of others.entries()) {
    const job = left[at];
    if (job) pairs.push({ line, job });
  }
  return pairs;
}

function describeStaleSave(path: string, count: number): { readonly message: string; readonly hint: string } {
  const states = count === 1 ? '1 state that was' : `${count} states that were`;
  return {
    message: `${path} was saved with ${states} out of date: put right`,
    hint: `an editor saves what it has read; to change a state on purpose: runset --set=. ${path} LINE`,
  };
}
