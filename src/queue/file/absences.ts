import type { LineJob } from './read-jobs.js';

interface Absence {
  readonly command: Buffer;
  /** By performance.now(). */
  readonly since: number;
}

/** What a look at a file begins with. */
export interface LookedAt {
  /** Which file it is: presence that was missing from another one, before that was put in its place, says nothing. */
  readonly identity: string;
  /** One look is enough: nothing has happened lately that could have taken anybody's presence away. */
  readonly isSure?: boolean;
}

/** Since when nobody has been seen at jobs that are said to run, from look to look. */
export class Absences {
  private known: ReadonlyMap<number, Absence> = new Map();
  private lookedAt = 0;
  private identity: string | undefined;

  /**
   * @param settled how long, in ms, nobody must be seen at a job before it counts as an orphan; 0: one look is enough
   * @param memory looks further apart than this, in ms, know nothing of each other: presence may have come back and be lost again
   */
  constructor(
    private readonly settled: number,
    private readonly memory = Number.POSITIVE_INFINITY,
  ) {}

  /** Begins a look. What is not noted in it is forgotten when it ends: somebody is there again. */
  look({ identity, isSure = false }: LookedAt): AbsenceLook {
    const isFollowing = identity === this.identity && performance.now() - this.lookedAt <= this.memory;
    const before: ReadonlyMap<number, Absence> = isFollowing ? this.known : new Map();
    const now = new Map<number, Absence>();
    return {
      isKnown: ({ offset }) => before.has(offset),
      note: ({ offset, command }) => {
        const known = before.get(offset);
        const since = known?.command.equals(command) ? known.since : performance.now();
        if (isSure || performance.now() - since >= this.settled) return true;
        // A copy: the command lies in a block that is read into again, or kept as a whole.
        now.set(offset, { command: Buffer.from(command), since });
        return false;
      },
      end: () => {
        this.known = now;
        this.identity = identity;
        this.lookedAt = performance.now();
      },
    };
  }
}

/** One look at all jobs. */
export interface AbsenceLook {
  /** Whether nobody was there at the last look. */
  isKnown(job: Pick<LineJob, 'offset'>): boolean;
  /** Nobody is at this job now. Says whether that has been so for long enough; if so it is forgotten, since it is to be set back. */
  note(job: Pick<LineJob, 'offset' | 'command'>): boolean;
  end(): void;
}
