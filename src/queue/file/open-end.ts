import type { FileFacts } from '../../system/disk.js';
import type { LineIndex } from './line-index.js';

/** A last line without its line end that has stayed as it is for so long, in ms, is all that will come of it. */
const SETTLED = 2000;
/** The coarsest times of local filesystems, in ms: those of FAT. */
const COARSEST_TIME = 2000;
const SECOND = 1000;

/**
 * The end of a file whose last line lacks its line end. Somebody may still be writing that line: programs that append through a
 * buffer write what fits into it, and the rest of a line later.
 */
export class OpenEnd {
  private identity: string | undefined;
  private line = 0;
  private start = 0;
  private end = 0;
  /** When this line was first seen as it is, by performance.now(). */
  private since = 0;
  /** When the file had been written to last by then. */
  private touched = 0;

  /** @param isOurClock whether the file's times are by this host's clock */
  constructor(private readonly isOurClock: boolean) {}

  /** Notes what a look has shown. States change all the time: it is where the last line begins and ends that counts. */
  note(index: LineIndex, { identity, touched }: Pick<FileFacts, 'identity' | 'touched'>): void {
    this.line = index.unended;
    if (this.line === 0) return;
    const start = index.startOf(this.line);
    if (identity === this.identity && start === this.start && index.end === this.end) return;
    this.identity = identity;
    this.start = start;
    this.end = index.end;
    this.since = performance.now();
    this.touched = touched;
  }

  /** The number of the last line while it may still grow, else 0. */
  get growing(): number {
    if (this.line === 0 || performance.now() - this.since >= SETTLED) return 0;
    return this.isOurClock && this.wasLeftAlone() ? 0 : this.line;
  }

  private wasLeftAlone(): boolean {
    // Whole seconds: the filesystem may know no others.
    const error = this.touched % SECOND === 0 ? COARSEST_TIME : 0;
    return Date.now() - this.touched >= SETTLED + error;
  }
}
