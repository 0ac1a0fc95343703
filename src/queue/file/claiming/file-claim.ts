import { setTimeout } from 'node:timers/promises';
import { errnoName, isFull } from '../../../errors.js';
import type { LineJob } from '../../../job/job.js';
import type { JobOutcome } from '../../../job/outcome.js';
import { State, stateUnrun } from '../../../job/state.js';
import type { Claim, FinishResult, ReleaseOptions } from '../../queue.js';
import { explain } from '../explain-error.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { lockWithin, stayedLocked } from '../locks/try-lock.js';
import { isPassing, patiently, SAVING } from '../patience.js';
import { isOutranked } from '../presence/claim-rank.js';
import type { Kept } from '../presence/presence-keeper.js';
import { type LineNow, readLine } from '../reading/read-line.js';
import { PATIENCE, type RunsFile } from '../runs-file.js';
import { type ClaimedLine, type Found, type Lost, ONE_GO } from './find-line.js';
import { HeldLine } from './held-line.js';

const RUNNING = State.running.charCodeAt(0);
/** Between two looks at a place that another process seems to hold, in ms. */
const OCCUPIED_PAUSE = 100;
/** How long, in ms, such a place may yet be given up: by a runner that was stopped before an edit has moved the line there, for instance. */
const OCCUPIED_HOPE = 6000;

/** A line in state `r` that is ours, until its final state is written. */
export class FileClaim implements Claim, Kept {
  private readonly held: HeldLine;
  /** Keeping and concluding must not cross: both may move the claim to another open file. */
  private turn: Promise<unknown> = Promise.resolve();
  private concluded = false;
  /** The final state, once it may have reached the file although nobody could say so. */
  private doubtful: number | undefined;

  /** @param file has the locks that show our presence; absent with drivers that show none */
  constructor(
    private readonly runs: RunsFile,
    readonly job: LineJob,
    line: ClaimedLine,
    file: LockableFile | undefined,
  ) {
    this.held = new HeldLine(runs, line, file, start => runs.keeper.keeps(start, this));
    if (job.state !== State.running) runs.staleSaves.wrote(line.number, job.command, job.state.charCodeAt(0), RUNNING);
    if (file) runs.keeper.add(this);
  }

  get start(): number {
    return this.held.line.start;
  }

  get presence(): number | undefined {
    return this.held.file?.fd;
  }

  holdPresence(): () => void {
    return this.held.keepOpen();
  }

  finish({ state }: Pick<JobOutcome, 'state'>): Promise<FinishResult> {
    return this.conclude(state);
  }

  release({ unrun = false }: ReleaseOptions = {}): Promise<FinishResult> {
    return this.conclude(unrun ? stateUnrun(this.job.state) : State.new);
  }

  async abandon(): Promise<void> {
    if (this.concluded) return;
    this.concluded = true;
    this.runs.keeper.remove(this);
    await this.inTurn(() => this.held.drop());
  }

  async check(): Promise<void> {
    if (!this.concluded) await this.inTurn(() => this.held.check());
  }

  async restore(): Promise<void> {
    if (!this.concluded) await this.inTurn(() => this.held.restore());
  }

  /**
   * Says whether the line is ours, when a call failed in the midst of the claim, or a server was long silent. If it is not, or nobody
   * can say, the claim is given up.
   */
  async confirm(): Promise<boolean> {
    const { patience } = this.runs;
    const began = performance.now();
    let lost: boolean | undefined;
    try {
      while (lost === undefined) {
        const lack = await patiently(patience, () => this.inTurn(() => this.held.regain()));
        // Who is at the line may just be looking, or may be ourselves: a lock that was cut short is given up by the kernel in its own time.
        const mayPass = lack?.cause === 'occupied' || lack?.cause === 'locked';
        if (mayPass && performance.now() - began < this.hopeIn(lack)) await setTimeout(OCCUPIED_PAUSE);
        else lost = lack !== undefined;
      }
    } finally {
      if (lost !== false) await this.abandon();
    }
    return !lost;
  }

  private async conclude(state: string): Promise<FinishResult> {
    if (this.concluded) return { kind: 'refused', reason: 'the claim was given up before' };
    // At once, and not in turn: from here on the keeper, for which we may have to wait, must not wait for us.
    this.concluded = true;
    return await this.inTurn(async () => {
      try {
        const result = await this.writeInPlace(state).catch(unlessPassing);
        return result ?? (await patiently(this.runs.patience, () => this.writeElsewhere(state), { forRoom: true }));
      } catch (error) {
        if (errnoName(error) === 'ENOENT') return { kind: 'refused', reason: `${this.runs.path} was removed while the job ran` };
        throw explain(this.runs.path, error, true);
      } finally {
        this.runs.keeper.remove(this);
        await this.held.drop();
      }
    });
  }

  /** Undefined when the line is not where it was any more, or may be somebody else's by now. */
  private async writeInPlace(state: string): Promise<FinishResult | undefined> {
    const { held } = this;
    const { start, end, rest, rank } = held.line;
    const { presence } = this.runs.driver;
    // After presence may have been lost, another runner may be present.
    if (held.isSuspect || (presence && held.file === undefined)) return undefined;
    const file = await held.open();
    if (!(await this.lockInPlace(file))) return undefined;
    const now = (await file.isAt(this.runs.path)) ? await readLine(file, start, end) : undefined;
    if (now?.state !== RUNNING || !now.rest.equals(rest)) {
      await held.drop();
      return undefined;
    }
    if (presence && (await isOutranked(file, start, rank))) {
      return { kind: 'refused', reason: 'the line was set back, and somebody else runs it by now' };
    }
    return await this.write(file, state, now);
  }

  /**
   * Takes the exclusive lock on the state byte. False when we are not, or may not be, present where the line is any more: who waits on
   * with presence that an edit has made stale may be in the way of those who are waited for.
   */
  private async lockInPlace(file: LockableFile): Promise<boolean> {
    const end = performance.now() + PATIENCE;
    while (!(await lockWithin(file, 'exclusive', this.start, 1, ONE_GO))) {
      if (performance.now() > end) throw this.stayedLocked();
      // With drivers that show no presence there is none that could be stale.
      const inPlace = this.runs.driver.presence ? await this.held.isInPlace(file) : true;
      if (inPlace === false) await this.held.drop();
      if (inPlace !== true) return false;
    }
    return true;
  }

  private async writeElsewhere(state: string): Promise<FinishResult> {
    const found = await this.findAmongOthers();
    if (found.kind === 'lost') return { kind: 'refused', reason: found.reason };
    await this.held.moveTo(found);
    return (await this.write(found.file, state, found.now)) ?? (await this.writeElsewhere(state));
  }

  /**
   * When lines have moved, the presence of other jobs may for a moment be shown at places that are ours now: until their
   * runners have looked after it.
   */
  private async findAmongOthers(): Promise<Found> {
    const { keeper } = this.runs;
    const began = performance.now();
    for (;;) {
      await keeper.round();
      const found = await this.held.find(this.doubtful);
      if (found.kind === 'found') return found;
      if (performance.now() - began > this.hopeIn(found)) {
        if (found.cause === 'locked') throw this.stayedLocked();
        return found;
      }
      await setTimeout(OCCUPIED_PAUSE);
    }
  }

  /** For how long, in ms, a line that was not found may yet be. */
  private hopeIn({ cause }: Lost): number {
    switch (cause) {
      case 'locked':
        return PATIENCE;
      case 'claimedAnew':
        return 0;
      case 'occupied':
        return Math.max(this.runs.keeper.settled, OCCUPIED_HOPE);
      // An editor that saves in place empties the file first: a missing line may be back in a moment.
      case 'gone':
      case 'set':
        return SAVING;
    }
  }

  private stayedLocked(): Error {
    return stayedLocked(`line ${this.held.line.number} of ${this.runs.path}`, PATIENCE);
  }

  /** Undefined when an editor has moved the line just now. */
  private async write(file: LockableFile, state: string, now: LineNow): Promise<FinishResult | undefined> {
    const { writer, view, syncer } = this.runs;
    const { line } = this.held;
    const byte = state.charCodeAt(0);
    this.doubtful = byte;
    if (!(await writer.write(file, byte, { ...line, now }))) {
      this.doubtful = undefined;
      await this.held.drop();
      return undefined;
    }
    this.runs.staleSaves.wrote(line.number, this.job.command, RUNNING, byte);
    // It is there now, whatever becomes of the locks.
    await this.held.drop();
    view.note(line.start, byte);
    syncer.note();
    return { kind: 'recorded', ...(writer.takeDamage() && { incomplete: true }) };
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }
}

function unlessPassing(error: unknown): undefined {
  if (!isPassing(error) && !isFull(error) && errnoName(error) !== 'ENOENT') throw error;
  return undefined;
}
