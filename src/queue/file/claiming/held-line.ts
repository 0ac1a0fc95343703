import { State } from '../../../job/state.js';
import { LOOK_BYTE } from '../../../system/reserved-bytes.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { unlockAll } from '../locks/try-lock.js';
import { asFarAsPossible } from '../patience.js';
import { ALONE } from '../presence/claim-rank.js';
import { presenceByte } from '../presence/presence-byte.js';
import { readLine } from '../reading/read-line.js';
import type { RunsFile } from '../runs-file.js';
import { type ClaimedLine, type Found, findLine, type Lost } from './find-line.js';

const RUNNING = State.running.charCodeAt(0);

/**
 * A claimed line, and our presence at it: the shared lock on its presence byte, which an open file of our own has. Presence is shown
 * again elsewhere when the line was moved, or a lease was lost.
 */
export class HeldLine {
  /** Something failed that may pass: whether we are still present at the line has to be found out. */
  isSuspect = false;
  /** While the job's process is being started with one of our descriptors: those that are to be closed after that. */
  private closeLater: LockableFile[] | undefined;

  /**
   * @param opened absent with drivers that show no presence
   * @param isClaimedAnew see `Holding`
   */
  constructor(
    private readonly runs: RunsFile,
    private place: ClaimedLine,
    private opened: LockableFile | undefined,
    private readonly isClaimedAnew: (start: number) => boolean,
  ) {}

  /** Where it was when it was seen last. */
  get line(): ClaimedLine {
    return this.place;
  }

  /** Has our locks. Undefined while no presence is shown. */
  get file(): LockableFile | undefined {
    return this.opened;
  }

  /** The open file; with drivers that show no presence it is opened now. */
  async open(): Promise<LockableFile> {
    this.opened ??= await this.runs.driver.open(this.runs.path, 'change');
    return this.opened;
  }

  /** Keeps descriptors open until what is returned is called. */
  keepOpen(): () => void {
    this.closeLater = [];
    return () => {
      const files = this.closeLater ?? [];
      this.closeLater = undefined;
      // What cannot be closed properly is lost anyway.
      for (const file of files) void this.close(file).catch(() => undefined);
    };
  }

  /** Looks whether presence is shown where the line is, and gives it up if not. */
  async check(): Promise<void> {
    if (this.opened === undefined || this.isSuspect) return;
    const inPlace = await this.isInPlace(this.opened).catch(() => undefined);
    if (inPlace === undefined) this.isSuspect = true;
    // A descriptor that cannot be given up properly is lost anyway.
    else if (!inPlace) await this.drop().catch(() => undefined);
  }

  /** Shows presence again if it was given up, or may have been lost. What cannot be restored now is tried again next time. */
  async restore(): Promise<void> {
    if (this.opened === undefined || this.isSuspect) await this.regain().catch(() => undefined);
  }

  /** Shows presence with a new descriptor: only with that it can be told whether we are alone. Returns why that cannot be. */
  async regain(): Promise<Lost | undefined> {
    this.isSuspect = true;
    const found = await this.find();
    if (found.kind === 'lost') return found;
    await this.moveTo(found);
    await found.file.unlock(found.line.start, 1);
    this.isSuspect = false;
    return undefined;
  }

  /** Looks for the line wherever it may be by now. @param doubtful a final state that we may have written to it already */
  find(doubtful?: number): Promise<Found> {
    return findLine(this.runs, this.place, { held: this.opened, doubtful, isClaimedAnew: this.isClaimedAnew });
  }

  /** From now on the line is there, and held there. */
  async moveTo({ file, line }: Extract<Found, { kind: 'found' }>): Promise<void> {
    const before = this.opened;
    this.opened = file;
    this.place = line;
    if (before) await this.close(before);
  }

  /** Whether the line is where it was, and we are present there. Undefined when somebody else may be. */
  async isInPlace(file: LockableFile): Promise<boolean | undefined> {
    const { place, runs } = this;
    const { driver } = runs;
    // A lock that nobody feels: what is read after it is as new as the lock.
    if (driver.staleLooks && !driver.direct) {
      if (!(await file.tryLock('shared', LOOK_BYTE, 1))) return true;
      await file.unlock(LOOK_BYTE, 1);
    }
    // Fails if the lease was lost: before presence is shown once more, which would be in the way of whoever has the line by now.
    const now = await readLine(file, place.start, place.end);
    if (!now?.rest.equals(place.rest)) return false;
    if (driver.staleLooks && now.state === RUNNING && !(await this.showPresenceAgain(file))) return undefined;
    return await file.isAt(runs.path);
  }

  /**
   * Gives up the open file and the locks on it, as far as that can still be done. Closing alone would not unlock: a stray
   * process of the job may have the descriptor, and with it the locks.
   */
  async drop(): Promise<void> {
    const file = this.opened;
    this.opened = undefined;
    if (file === undefined) return;
    await asFarAsPossible(() => unlockAll(file));
    await this.close(file);
  }

  /** An NFSv3 server that has restarted may have forgotten our lock without anybody noticing, and may have given it to others since. */
  private async showPresenceAgain(file: LockableFile): Promise<boolean> {
    const { start, rank } = this.place;
    if (rank === ALONE && !(await file.tryLock('exclusive', presenceByte(start), 1))) return false;
    return await file.tryLock('shared', presenceByte(start), 1);
  }

  private async close(file: LockableFile): Promise<void> {
    if (this.closeLater) this.closeLater.push(file);
    else await asFarAsPossible(() => file.close());
  }
}
