import { LF, printLine } from '../../../job/line.js';
import type { State } from '../../../job/state.js';
import { APPEND_BYTE } from '../../../system/reserved-bytes.js';
import { refuseUnsettable, refuseUnwritable } from '../../commands.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { lockSoon } from '../locks/try-lock.js';
import { PATIENCE, type RunsFile } from '../runs-file.js';

const LINE_FEED = Buffer.from([LF]);

/** Jobs that are to be appended, once, however often that has to be tried. */
export class JobAppender {
  private readonly lines: Buffer;
  /** What may have got there although the call failed, and where. */
  private tried: { readonly identity: string; readonly at: number; readonly bytes: Buffer } | undefined;

  constructor(
    private readonly runs: RunsFile,
    commands: readonly Buffer[],
    state: State,
  ) {
    refuseUnsettable(state);
    this.lines = Buffer.concat(
      commands.flatMap(command => {
        refuseUnwritable(command);
        return [printLine(state, command), LINE_FEED];
      }),
    );
  }

  /** Appends them in one write: several hosts at once lose none, and a full disk leaves no half line behind. */
  async make(): Promise<void> {
    if (this.lines.length === 0) return;
    while (!(await this.append()));
    this.runs.syncer.note();
  }

  /** False when another file has been put in place of the one that was opened: nothing was written then. */
  private async append(): Promise<boolean> {
    const { runs } = this;
    const file = await runs.driver.open(runs.path, 'append');
    try {
      await lockSoon(file, 'exclusive', APPEND_BYTE, 1, PATIENCE, `the end of ${runs.path}`);
      if (!(await file.isAt(runs.path))) return false;
      const { identity, size } = await file.facts();
      const there = await this.findTried(file, identity, size);
      const bytes = this.tried && there > 0 ? this.tried.bytes : await this.toWrite(file, size);
      if (there === bytes.length) return true;
      if (there === 0) this.tried = { identity, at: size, bytes };
      try {
        await file.write(bytes.subarray(there), null);
      } catch (error) {
        await file.truncate(size);
        throw error;
      }
      return true;
    } finally {
      await file.close();
    }
  }

  /** The lines, behind a line end if the last line of the file lacks one. */
  private async toWrite(file: LockableFile, size: number): Promise<Buffer> {
    const last = Buffer.alloc(1);
    const mend = size > 0 && (await file.read(last, size - 1)) === 1 && last[0] !== LF;
    return mend ? Buffer.concat([LINE_FEED, this.lines]) : this.lines;
  }

  /** How much of it the last try has written though it failed: all of it, or what the file ends with. */
  private async findTried(file: LockableFile, identity: string, size: number): Promise<number> {
    const { tried } = this;
    if (tried?.identity !== identity || size <= tried.at) return 0;
    const found = Buffer.alloc(Math.min(size - tried.at, tried.bytes.length));
    await file.read(found, tried.at);
    return isSameButStates(found, tried.bytes) ? found.length : 0;
  }
}

/** Whether these are the first of the bytes of the lines, which may have been claimed by now. */
function isSameButStates(found: Buffer, lines: Buffer): boolean {
  const isState = (at: number): boolean => (at === 0 ? lines[0] !== LF : lines[at - 1] === LF);
  return found.every((byte, at) => byte === lines[at] || isState(at));
}
