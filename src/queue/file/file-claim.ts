import { setTimeout } from 'node:timers/promises';
import { errnoName } from '../../errors.js';
import type { Job } from '../../job/job.js';
import { type FinalState, State } from '../../job/state.js';
import type { Claim, FinishResult } from '../queue.js';
import { explain } from './explain.js';
import { type ClaimedLine, type Found, findLine } from './find-line.js';
import { LOOK_BYTE, lockSoon } from './lock-bytes.js';
import type { LockableFile } from './locks/lock-driver.js';
import { isPassing, patiently, SAVING } from './patience.js';
import type { Kept } from './presence-keeper.js';
import { isOutranked } from './rank.js';
import { readLine } from './read-line.js';
import { PATIENCE, type RunsFile } from './runs-file.js';

const RUNNING = State.running.charCodeAt(0);
const STATE_AND_SEPARATOR = 2;
/** Between two looks at a place that somebody else seems to hold, in ms. */
const OCCUPIED_PAUSE = 100;

/** A line in state `r` that is ours. With presence, `file` holds the shared lock on its separator byte. */
export class FileClaim implements Claim, Kept {
  /** Keeping and concluding must not cross: both may move the claim to another open file. */
  private turn: Promise<unknown> = Promise.resolve();
  private concluded = false;
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

  get presence(): number | undefined {
    return this.file?.fd;
  }

  finish(state: FinalState): Promise<FinishResult> {
    return this.conclude(state);
  }

  release(): Promise<FinishResult> {
    return this.conclude(State.new);
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
      if (this.file === undefined || (await this.isInPlace(this.file).catch(() => false))) return;
      // A descriptor that cannot be given up properly is lost anyway.
      await this.drop().catch(() => undefined);
    });
  }

  /** After a network lease was lost, or an editor has moved the line. What cannot be restored now is tried again next time. */
  async restore(): Promise<void> {
    if (this.concluded) return;
    await this.inTurn(async () => {
      if (this.file !== undefined) return;
      const found = await findLine(this.runs, this.line).catch(() => undefined);
      if (found?.kind !== 'found') return;
      this.line = found.line;
      if (await found.file.tryLock('shared', found.line.start + 1, 1)) this.file = found.file;
      await found.file.unlock(found.line.start, 1);
      if (this.file === undefined) await found.file.close();
    });
  }

  private async conclude(state: string): Promise<FinishResult> {
    if (this.concluded) return { kind: 'refused', reason: 'the claim was given up before' };
    // At once, and not in turn: from here on the keeper, for which we may have to wait, must not wait for us.
    this.concluded = true;
    this.runs.keeper.remove(this);
    return await this.inTurn(async () => {
      try {
        const result = await this.writeInPlace(state).catch(unlessPassing);
        return result ?? (await patiently(this.runs.patience, () => this.writeElsewhere(state)));
      } catch (error) {
        if (errnoName(error) === 'ENOENT') return { kind: 'refused', reason: `${this.runs.path} was removed while the job ran` };
        throw explain(this.runs.path, error);
      } finally {
        await this.drop();
      }
    });
  }

  /** Undefined when the line is not where it was any more. */
  private async writeInPlace(state: string): Promise<FinishResult | undefined> {
    const { start, end, rest } = this.line;
    this.file ??= await this.runs.driver.open(this.runs.path, 'change');
    await lockSoon(this.file, 'exclusive', start, 1, PATIENCE, `line ${this.line.number} of ${this.runs.path}`);
    if (!(await this.file.isAt(this.runs.path))) return undefined;
    const now = await readLine(this.file, start, end);
    if (now?.state !== RUNNING || !now.rest.equals(rest)) return undefined;
    if (this.runs.driver.presence && (await isOutranked(this.file, start, this.line.rank))) {
      return { kind: 'refused', reason: 'the line was set back, and somebody else runs it by now' };
    }
    await this.write(this.file, this.line, state);
    return { kind: 'recorded' };
  }

  private async writeElsewhere(state: string): Promise<FinishResult> {
    await this.drop();
    const found = await this.findAmongOthers();
    if (found.kind === 'lost') return { kind: 'refused', reason: found.reason };
    this.file = found.file;
    this.line = found.line;
    await this.write(found.file, found.line, state);
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
      const found = await findLine(this.runs, this.line, this.doubtful);
      if (found.kind === 'found') return found;
      // Whoever saves a file in place empties it first: what is not there may be there again in a moment.
      if (performance.now() - began > (found.occupied ? keeper.settled : SAVING)) return found;
      await setTimeout(OCCUPIED_PAUSE);
    }
  }

  private async write(file: LockableFile, { start }: ClaimedLine, state: string): Promise<void> {
    const byte = state.charCodeAt(0);
    this.doubtful = byte;
    await file.write(Buffer.from([byte]), start);
    // On a network filesystem it is the unlocking that brings the state to the server, and that tells if it did not get there.
    // Closing alone would not unlock: a stray process of the job may have the descriptor, and with it the locks.
    await file.unlock(start, STATE_AND_SEPARATOR);
    this.file = undefined;
    await file.close();
    this.runs.view.note(start, byte);
    this.runs.syncer.note();
  }

  private async isInPlace(file: LockableFile): Promise<boolean> {
    const { line, runs } = this;
    // A lock that costs nobody anything: over a network it makes the read fresh, and fails if the lease was lost.
    if (runs.driver.staleLooks && !(await file.tryLock('shared', LOOK_BYTE, 1))) return true;
    if (!(await file.isAt(runs.path))) return false;
    return (await readLine(file, line.start, line.end))?.rest.equals(line.rest) ?? false;
  }

  /** Gives up the open file and the locks on it, as far as that can still be done. */
  private async drop(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    if (file === undefined) return;
    try {
      await file.unlock(this.line.start, STATE_AND_SEPARATOR);
    } catch (error) {
      unlessPassing(error);
    } finally {
      await file.close();
    }
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }
}

function unlessPassing(error: unknown): undefined {
  if (!isPassing(error) && errnoName(error) !== 'ENOENT') throw error;
  return undefined;
}
