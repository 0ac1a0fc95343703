import type { LineJob } from './read-jobs.js';

/** Since when nobody has been seen at jobs that are said to run, from look to look. */
export class Absences {
  private known = new Map<number, { readonly command: Buffer; readonly since: number }>();

  /** @param settled how long, in ms, nobody must be seen at a job before it counts as an orphan; 0: one look is enough */
  constructor(private readonly settled: number) {}

  /** Begins a look. What is not noted in it is forgotten when it ends. */
  look(): AbsenceLook {
    const before = this.known;
    const now: typeof before = new Map();
    return {
      note: ({ offset, command }) => {
        const known = before.get(offset);
        const since = known?.command.equals(command) ? known.since : performance.now();
        // A copy: the command lies in a block that is read into again, or kept as a whole.
        now.set(offset, { command: Buffer.from(command), since });
        return performance.now() - since >= this.settled;
      },
      end: () => {
        this.known = now;
      },
    };
  }
}

/** One look at all jobs. */
export interface AbsenceLook {
  /** Nobody is at this job now. Says whether that has been so for long enough. */
  note(job: Pick<LineJob, 'offset' | 'command'>): boolean;
  end(): void;
}
