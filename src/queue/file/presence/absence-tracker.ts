import type { FileJob } from '../reading/read-jobs.js';

interface Absence {
  readonly command: Buffer;
  /** By performance.now(). */
  readonly since: number;
}

/** Where a look takes long, runners take long to show presence again: so many times as long, but no longer than this, in ms. */
const SLOWNESS = { times: 3, most: 10_000 };

/** Since when no presence has been seen at jobs in state `r`, from look to look. */
export class AbsenceTracker {
  private known: ReadonlyMap<number, Absence> = new Map();
  private lookedAt = 0;
  private edits: number | undefined;
  /** How long the last two looks took, in ms. */
  private durations: readonly [number, number] = [0, 0];

  /**
   * @param settled how long, in ms, presence must be missing at a job before it counts as an orphan
   * @param memory looks further apart than this, in ms, know nothing of each other: presence may have come back and be lost again
   */
  constructor(
    private readonly settled: number,
    private readonly memory = Number.POSITIVE_INFINITY,
  ) {}

  /** How long, in ms, presence must be missing at a job at present. */
  get needed(): number {
    return this.settled + Math.min(SLOWNESS.times * Math.max(...this.durations), SLOWNESS.most);
  }

  /**
   * Begins a look. What is not noted in it is forgotten when it ends: presence is back.
   * @param edits another number whenever the file was edited: that takes presence away
   */
  look(edits: number): AbsenceLook {
    const began = performance.now();
    const isFollowing = edits === this.edits && began - this.lookedAt <= this.memory;
    const before: ReadonlyMap<number, Absence> = isFollowing ? this.known : new Map();
    const now = new Map<number, Absence>();
    return {
      isKnown: ({ offset }) => before.has(offset),
      note: ({ offset, command }) => {
        const known = before.get(offset);
        const since = known?.command.equals(command) ? known.since : performance.now();
        if (performance.now() - since >= this.needed) return true;
        // A copy: the command lies in a block that is read into again, or kept as a whole.
        now.set(offset, { command: Buffer.from(command), since });
        return false;
      },
      end: () => {
        this.known = now;
        this.edits = edits;
        this.lookedAt = performance.now();
        this.durations = [this.durations[1], this.lookedAt - began];
      },
    };
  }
}

/** One look at all jobs. */
export interface AbsenceLook {
  /** Whether presence was missing at the last look. */
  isKnown(job: Pick<FileJob, 'offset'>): boolean;
  /** Nobody is at this job now. Says whether that has been so for long enough; if so it is forgotten, since it is to be set back. */
  note(job: Pick<FileJob, 'offset' | 'command'>): boolean;
  end(): void;
}
