import { attemptCommand } from '../../support/attempts.js';
import type { Random } from '../../support/random.js';

/** Lines that are not jobs, or that no runner runs. */
const ODD_LINES = [
  '',
  '# n=1 is commented out',
  '#. n=2',
  '/ a path',
  'ab',
  'x',
  'no job at all',
  '.',
  '\t',
  '- n=0 is held',
  'Z n=0 is held as well',
];

/** A job that was inserted by an edit. */
export interface ScriptedJob {
  readonly number: number;
  readonly command: string;
  /** Its final state. */
  readonly end: 'd' | '!';
}

/** Random edits of the lines of a file: inserts, deletes and moves jobs, comments and odd lines. */
export class EditScript {
  readonly jobs = new Map<number, ScriptedJob>();
  private count = 0;

  constructor(
    private readonly random: Random,
    /** Duration of a job, in s. */
    private readonly longest: number,
    private readonly kind: 'plain' | 'free' = 'plain',
  ) {}

  newJob(): ScriptedJob {
    const number = ++this.count;
    const fails = this.random.chance(0.1);
    const command = attemptCommand(number, this.random.between(0.005, this.longest), this.kind);
    const job: ScriptedJob = { number, command: fails ? `${command}; exit 3` : command, end: fails ? '!' : 'd' };
    this.jobs.set(number, job);
    return job;
  }

  /** Comments, odd lines and new jobs. */
  newLines(jobs: number): string[] {
    const lines = Array.from({ length: jobs }, () => `. ${this.newJob().command}`);
    return this.random.shuffled([...lines, ...Array.from({ length: Math.ceil(jobs / 5) }, () => this.random.pick(ODD_LINES))]);
  }

  /** A few changes at once, as an editor's user makes them before saving. */
  change(lines: string[], newJobs: number): string[] {
    let changed = this.inserted(lines, this.newLines(newJobs));
    for (let left = 1 + this.random.below(3); left > 0; left--) changed = this.changedOnce(changed);
    return changed;
  }

  private changedOnce(lines: string[]): string[] {
    const { random } = this;
    const at = random.below(lines.length + 1);
    const count = 1 + random.below(4);
    switch (random.weighed({ delete: 1, move: 3, shuffle: 1, reverse: 1, comment: 2, lineEnd: 1 })) {
      case 'delete':
        return lines.toSpliced(at, count);
      case 'move': {
        const rest = lines.toSpliced(at, count);
        return this.inserted(rest, lines.slice(at, at + count));
      }
      case 'shuffle':
        return random.shuffled(lines);
      case 'reverse':
        return lines.toReversed();
      case 'comment':
        return lines.toSpliced(at, 0, random.pick(ODD_LINES));
      case 'lineEnd':
        return lines.map((line, number) => (number === at && line !== '' ? line.replace(/\r?$/, line.endsWith('\r') ? '' : '\r') : line));
    }
  }

  private inserted(lines: string[], more: readonly string[]): string[] {
    return lines.toSpliced(this.random.below(lines.length + 1), 0, ...more);
  }
}
