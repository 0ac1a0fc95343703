import type { FileFacts } from '../../../system/disk.js';
import { hostClock } from '../../../system/host-clock.js';
import type { LineIndex } from './line-index.js';

/** A last line without its line end that has stayed as it is for so long, in ms, is all that will come of it. */
export const SETTLED = 2000;
/** Programs that write through a buffer write when it is full: so many bytes, or a multiple of that. */
const BUFFER = 4096;
/** So long, in ms, it may take until it is full again. */
const REFILLED = 60_000;
/** The coarsest times of local filesystems, in ms: those of FAT. */
const COARSEST_TIME = 2000;
const SECOND = 1000;

/**
 * The end of a file whose last line lacks its line end. Somebody may still be writing that line: programs that append through a
 * buffer write what fits into it, and the rest of a line later.
 */
export class UnfinishedLine {
  /** The last line if it lacks its line end, else 0. */
  line = 0;
  private identity: string | undefined;
  private start = 0;
  private end = 0;
  /** When this line was first seen as it is, by performance.now(). */
  private since = 0;
  /** When the file had been written to last by then. */
  private touched = 0;
  private settled = SETTLED;

  /** @param isOurClock whether the file's times are by this host's clock */
  constructor(private readonly isOurClock: boolean) {}

  /** Notes what a look has shown. States change all the time: it is where the last line begins and ends that counts. */
  note(index: LineIndex, { identity, touched }: Pick<FileFacts, 'identity' | 'touched'>): void {
    const { unended, end } = index;
    const start = unended === 0 ? end : index.startOf(unended);
    const isSameFile = identity === this.identity;
    this.line = unended;
    if (isSameFile && start === this.start && end === this.end) return;
    const grown = end - (isSameFile ? this.end : 0);
    this.settled = grown > 0 && grown % BUFFER === 0 ? REFILLED : SETTLED;
    this.identity = identity;
    this.start = start;
    this.end = end;
    this.since = performance.now();
    this.touched = touched;
  }

  /** For how long, in ms, the last line may still grow; 0 when it is whole. */
  get left(): number {
    if (this.line === 0) return 0;
    const seen = this.since + this.settled - performance.now();
    return Math.max(0, this.isOurClock ? Math.min(seen, this.leftByClock()) : seen);
  }

  private leftByClock(): number {
    // Whole seconds: the filesystem may know no others.
    const error = this.touched % SECOND === 0 ? COARSEST_TIME : 0;
    return this.touched + this.settled + error - hostClock.now();
  }
}
