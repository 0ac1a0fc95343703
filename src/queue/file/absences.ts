import type { LineJob } from './read-jobs.js';

/** Looks further apart than this many times the time that counts know nothing of each other. */
const FORGET = 3;

interface Absence {
  readonly command: Buffer;
  /** By performance.now(). */
  readonly since: number;
}

/** Since when nobody has been seen at jobs that are said to run, from look to look. */
export class Absences {
  private known: ReadonlyMap<number, Absence> = new Map();
  private lookedAt = 0;

  /** @param settled how long, in ms, nobody must be seen at a job before it counts as an orphan; 0: one look is enough */
  constructor(private readonly settled: number) {}

  /**
   * Begins a look. What is not noted in it is forgotten when it ends: somebody is there again.
   *
   * @param isSure one look is enough: nothing has happened lately that could have taken anybody's presence away
   */
  look(isSure = false): AbsenceLook {
    const before: ReadonlyMap<number, Absence> = performance.now() - this.lookedAt > FORGET * this.settled ? new Map() : this.known;
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
