import type { Job } from '../../job/job.js';
import { type FinalState, State } from '../../job/state.js';
import type { Claim, FinishResult } from '../queue.js';
import { explain } from './explain.js';
import { findMoved } from './find-moved.js';
import { lockSoon } from './lock-bytes.js';
import type { LockableFile } from './locks/lock-driver.js';
import { readLine } from './read-line.js';
import { PATIENCE, type RunsFile } from './runs-file.js';

const RUNNING = State.running.charCodeAt(0);
const SEPARATOR_AND_STATE = 2;

/** Where the claimed line stood, in bytes, and all of it but its state. */
export interface ClaimedLine {
  readonly start: number;
  /** Behind the line end. */
  readonly end: number;
  readonly rest: Buffer;
}

/** A line in state `r` that is ours. With presence, `file` holds the shared lock on its separator byte. */
export class FileClaim implements Claim {
  constructor(
    private readonly runs: RunsFile,
    readonly job: Job,
    private readonly line: ClaimedLine,
    private readonly file: LockableFile | undefined,
  ) {}

  get presence(): number | undefined {
    return this.file?.fd;
  }

  finish(state: FinalState): Promise<FinishResult> {
    return this.conclude(state);
  }

  release(): Promise<FinishResult> {
    return this.conclude(State.new);
  }

  private async conclude(state: string): Promise<FinishResult> {
    try {
      return (await this.writeInPlace(state)) ?? (await findMoved(this.runs, this.job.number, this.line.rest, state));
    } catch (error) {
      throw explain(this.runs.path, error);
    }
  }

  /** Undefined when the line is not where it was any more. */
  private async writeInPlace(state: string): Promise<FinishResult | undefined> {
    const { start, end, rest } = this.line;
    const file = this.file ?? (await this.runs.driver.open(this.runs.path, 'change'));
    try {
      await lockSoon(file, 'exclusive', start, 1, PATIENCE, `line ${this.job.number} of ${this.runs.path}`);
      if (!(await file.isAt(this.runs.path))) return undefined;
      const now = await readLine(file, start, end);
      if (now === undefined || !now.rest.equals(rest)) return undefined;
      if (now.state !== RUNNING) {
        return { kind: 'refused', reason: `somebody set the line to "${String.fromCharCode(now.state)}" while its job ran` };
      }
      await file.write(Buffer.from(state, 'latin1'), start);
      this.runs.view.note(start, state.charCodeAt(0));
      return { kind: 'recorded' };
    } finally {
      // Closing is not enough: a stray process of the job may still have the descriptor, and with it the lock.
      await file.unlock(start, SEPARATOR_AND_STATE);
      await file.close();
    }
  }
}
