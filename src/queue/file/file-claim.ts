import { setTimeout } from 'node:timers/promises';
import { errnoName, isFull } from '../../errors.js';
import type { Job } from '../../job/job.js';
import { type FinalState, State, stateUnrun } from '../../job/state.js';
import { LOOK_BYTE } from '../../system/reserved-bytes.js';
import type { Claim, FinishResult, ReleaseOptions } from '../queue.js';
import { explain } from './explain.js';
import { type ClaimedLine, type Found, findLine, type Lost, ONE_GO } from './find-line.js';
import { lockWithin, STATE_AND_SEPARATOR, stayedLocked } from './lock-bytes.js';
import type { LockableFile } from './locks/lock-driver.js';
import { asFarAsPossible, isPassing, patiently, SAVING } from './patience.js';
import type { Kept } from './presence-keeper.js';
import { ALONE, isOutranked } from './rank.js';
import { readLine } from './read-line.js';
import { PATIENCE, type RunsFile } from './runs-file.js';

const RUNNING = State.running.charCodeAt(0);
/** Between two looks at a place that somebody else seems to hold, in ms. */
const OCCUPIED_PAUSE = 100;

/** A line in state `r` that is ours. With presence, `file` holds the shared lock on its separator byte. */
export class FileClaim implements Claim, Kept {
  /** Keeping and concluding must not cross: both may move the claim to another open file. */
  private turn: Promise<unknown> = Promise.resolve();
  private concluded = false;
  /** Something failed that may pass: whether we are still present at the line has to be found out. */
  private suspect = false;
  /** While the job's process is being started with one of our descriptors: those that are to be closed after that. */
  private closeLater: LockableFile[] | undefined;
  /** The final state, once it may have reached the file although nobody could say so. */
  private doubtful: number | undefined;

  constructor(
    private readonly runs: RunsFile,
    readonly job: Job,
    private line: ClaimedLine,
    private file: LockableFile | undefined,
  ) {
    if (file) runs.keeper.add(this);
  }

  get start(): number {
    return this.line.start;
  }

  get presence(): number | undefined {
    return this.file?.fd;
  }

  holdPresence(): () => void {
    this.closeLater = [];
    return () => {
      const files = this.closeLater ?? [];
      this.closeLater = undefined;
      // What cannot be closed properly is lost anyway.
      for (const file of files) void this.close(file).catch(() => undefined);
    };
  }

  finish(state: FinalState): Promise<FinishResult> {
    return this.conclude(state);
  }

  release({ unrun = false }: ReleaseOptions = {}): Promise<FinishResult> {
    return this.conclude(unrun ? stateUnrun(this.job.state) : State.new);
  }

  async abandon(): Promise<void> {
    if (this.concluded) return;
    this.concluded = true;
    this.runs.keeper.remove(this);
    await this.inTurn(() => this.drop());
  }

  async check(): Promise<void> {
    if (this.concluded) return;
    await this.inTurn(async () => {
      if (this.file === undefined || this.suspect) return;
      const inPlace = await this.isInPlace(this.file).catch(() => undefined);
      if (inPlace === undefined) this.suspect = true;
      // A descriptor that cannot be given up properly is lost anyway.
      else if (!inPlace) await this.drop().catch(() => undefined);
    });
  }

  /** After a network lease was lost, or an editor has moved the line. What cannot be restored now is tried again next time. */
  async restore(): Promise<void> {
    if (this.concluded) return;
    await this.inTurn(async () => {
      if (this.file === undefined || this.suspect) await this.regain().catch(() => undefined);
    });
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
        const lack = await patiently(patience, () => this.inTurn(() => this.regain()));
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

  /** Shows presence with a new descriptor: only with that it can be told whether we are alone. Returns why that cannot be. */
  private async regain(): Promise<Lost | undefined> {
    this.suspect = true;
    const found = await this.find();
    if (found.kind === 'lost') return found;
    await this.moveTo(found);
    await found.file.unlock(found.line.start, 1);
    this.suspect = false;
    return undefined;
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
        await this.drop();
      }
    });
  }

  /** Undefined when the line is not where it was any more, or may be somebody else's by now. */
  private async writeInPlace(state: string): Promise<FinishResult | undefined> {
    const { start, end, rest, rank } = this.line;
    const { presence } = this.runs.driver;
    // Who may have lost presence must make sure that nobody else has come to be present.
    if (this.suspect || (presence && this.file === undefined)) return undefined;
    this.file ??= await this.runs.driver.open(this.runs.path, 'change');
    const alone = presence && (await this.file.tryLock('exclusive', start, STATE_AND_SEPARATOR));
    if (!alone && !(await this.lockInPlace(this.file))) return undefined;
    const now = (await this.file.isAt(this.runs.path)) ? await readLine(this.file, start, end) : undefined;
    if (now?.state !== RUNNING || !now.rest.equals(rest)) {
      await this.drop();
      return undefined;
    }
    if (presence && !alone && (await isOutranked(this.file, start, rank))) {
      return { kind: 'refused', reason: 'the line was set back, and somebody else runs it by now' };
    }
    await this.write(this.file, state);
    return { kind: 'recorded' };
  }

  /**
   * Takes the exclusive lock on the state byte. False when we are not, or may not be, present where the line is any more: who waits on
   * with presence that an edit has made stale may be in the way of those who are waited for.
   */
  private async lockInPlace(file: LockableFile): Promise<boolean> {
    const end = performance.now() + PATIENCE;
    while (!(await lockWithin(file, 'exclusive', this.line.start, 1, ONE_GO))) {
      const inPlace = await this.isInPlace(file);
      if (inPlace === false) await this.drop();
      if (inPlace !== true) return false;
      if (performance.now() > end) throw this.stayedLocked();
    }
    return true;
  }

  private async writeElsewhere(state: string): Promise<FinishResult> {
    const found = await this.findAmongOthers();
    if (found.kind === 'lost') return { kind: 'refused', reason: found.reason };
    await this.moveTo(found);
    await this.write(found.file, state);
    return { kind: 'recorded' };
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
      const found = await this.find();
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
      // On a local disk that is hardly somebody who has the line, but who was stopped, or was killed, before the line came to be there.
      case 'occupied':
        return this.runs.driver.staleLooks ? this.runs.keeper.settled : Math.max(this.runs.keeper.settled, this.runs.patience);
      // Whoever saves a file in place empties it first: what is not there may be there again in a moment.
      case 'gone':
      case 'set':
        return SAVING;
    }
  }

  private stayedLocked(): Error {
    return stayedLocked(`line ${this.line.number} of ${this.runs.path}`, PATIENCE);
  }

  private find(): Promise<Found> {
    return findLine(this.runs, this.line, { held: this.file, doubtful: this.doubtful });
  }

  private async moveTo({ file, line }: Extract<Found, { kind: 'found' }>): Promise<void> {
    const before = this.file;
    this.file = file;
    this.line = line;
    if (before) await this.close(before);
  }

  private async write(file: LockableFile, state: string): Promise<void> {
    const { start } = this.line;
    const byte = state.charCodeAt(0);
    this.doubtful = byte;
    await this.runs.writer.write(file, Buffer.from([byte]), start);
    // It is there now, whatever becomes of the locks.
    await this.drop();
    this.runs.view.note(start, byte);
    this.runs.syncer.note();
  }

  /** Undefined when somebody else may be present. */
  private async isInPlace(file: LockableFile): Promise<boolean | undefined> {
    const { line, runs } = this;
    const { driver } = runs;
    // A lock that nobody feels: what is read after it is as new as the lock.
    if (driver.staleLooks && !driver.direct) {
      if (!(await file.tryLock('shared', LOOK_BYTE, 1))) return true;
      await file.unlock(LOOK_BYTE, 1);
    }
    // Fails if the lease was lost: before presence is shown once more, which would be in the way of whoever has the line by now.
    const now = await readLine(file, line.start, line.end);
    if (!now?.rest.equals(line.rest)) return false;
    if (driver.staleLooks && now.state === RUNNING && !(await this.showPresenceAgain(file))) return undefined;
    return await file.isAt(runs.path);
  }

  /** An NFSv3 server that has restarted may have forgotten our lock without anybody noticing, and may have given it to others since. */
  private async showPresenceAgain(file: LockableFile): Promise<boolean> {
    const { start, rank } = this.line;
    if (rank === ALONE && !(await file.tryLock('exclusive', start + 1, 1))) return false;
    return await file.tryLock('shared', start + 1, 1);
  }

  /**
   * Gives up the open file and the locks on it, as far as that can still be done. Closing alone would not unlock: a stray
   * process of the job may have the descriptor, and with it the locks.
   */
  private async drop(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    if (file === undefined) return;
    await asFarAsPossible(() => file.unlock(this.line.start, STATE_AND_SEPARATOR));
    await this.close(file);
  }

  private async close(file: LockableFile): Promise<void> {
    if (this.closeLater) this.closeLater.push(file);
    else await asFarAsPossible(() => file.close());
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
