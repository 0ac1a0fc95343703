import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ScriptedJob } from './script.js';

/** The progress of a job: a state never goes back. */
const RANK: Readonly<Record<string, number>> = { '.': 0, r: 1, d: 2, '!': 2 };

/**
 * Watches a file, and reports violations: only state bytes of jobs may differ from what the editor has saved, a state only goes
 * forward, and a job is reported as ended only when it is.
 */
export class Witness {
  readonly wrongs: string[] = [];
  looks = 0;
  /** Observed changes of states. */
  changes = 0;
  /** Jobs that were in the file at some look and no longer are. */
  private readonly seen = new Map<number, string>();

  /** @param backwards whether states may go back, because the editor restores old ones */
  constructor(
    private readonly folder: string,
    private readonly jobs: ReadonlyMap<number, ScriptedJob>,
    private readonly backwards = false,
  ) {}

  /**
   * @param saved the lines as the editor has written them
   * @param lines as they are now: the same, followed by what other processes have appended
   */
  look(saved: readonly string[], lines: readonly string[]): void {
    this.looks++;
    if (lines.length < saved.length) this.say(`${saved.length - lines.length} lines are gone`);
    lines.forEach((line, at) => {
      const before = saved[at];
      const job = this.jobIn(line);
      if (before === undefined) {
        if (!job) this.say(`line ${at + 1} was not appended by anybody: ${JSON.stringify(line)}`);
      } else if (line !== before && (!job || line.slice(1) !== before.slice(1))) {
        this.say(`line ${at + 1} was ${JSON.stringify(before)} and is ${JSON.stringify(line)}`);
      }
      if (job) this.lookAt(job, line.charAt(0));
    });
  }

  /** Whether a job was ever in the file. */
  hasSeen(job: number): boolean {
    return this.seen.has(job);
  }

  private lookAt(job: ScriptedJob, state: string): void {
    const before = this.seen.get(job.number);
    if (state !== before && before !== undefined) this.changes++;
    this.seen.set(job.number, state);
    const isLegal = state === '.' || state === 'r' || state === job.end;
    if (!isLegal) this.say(`job ${job.number} is in state ${JSON.stringify(state)}; it ends in "${job.end}"`);
    else if (state === job.end && !existsSync(join(this.folder, 'attempts', `${job.number}.1.end`)))
      this.say(`job ${job.number} is said to be over, and is not`);
    if (!this.backwards && before !== undefined && (RANK[state] ?? 0) < (RANK[before] ?? 0))
      this.say(`job ${job.number} went from "${before}" back to "${state}"`);
  }

  private jobIn(line: string): ScriptedJob | undefined {
    const number = /^[.rd!?e] n=(\d+) /.exec(line)?.[1];
    const job = number === undefined ? undefined : this.jobs.get(Number(number));
    return job !== undefined && line.slice(2).replace(/\r$/, '') === job.command ? job : undefined;
  }

  private say(wrong: string): void {
    if (this.wrongs.length < 20) this.wrongs.push(`look ${this.looks}: ${wrong}`);
  }
}
