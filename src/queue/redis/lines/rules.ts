import type { LineJob } from '../../../job/job.js';
import { isStray } from '../../../job/line.js';
import { firstPlace } from '../../../job/search.js';
import type { Strays } from '../../advice.js';
import { BARRIER, jobOf, type Line, NO_JOB } from './line-text.js';

/** All known marked lines of a queue: those with directives, and those that are no jobs. It only grows. */
export class Rules {
  /** Lines with directives, in order. */
  readonly jobs: LineJob[] = [];
  readonly barriers: number[] = [];
  /** Lines that are no jobs, ascending. */
  readonly others: number[] = [];
  /** All marked lines, ascending. */
  readonly marks: number[] = [];
  strays: Strays | undefined;

  add(line: Line, state: string): void {
    const { number, content } = line;
    this.marks.push(number);
    if (state !== NO_JOB && state !== BARRIER) {
      this.jobs.push(jobOf(line, state, this.others.length));
      return;
    }
    this.others.push(number);
    if (state === BARRIER) this.barriers.push(number);
    else if (!isStray(content, 0, content.length)) return;
    else if (this.strays) this.strays.count++;
    else this.strays = { line: number, text: content, count: 1 };
  }

  /** How many lines above this one are no jobs. */
  othersAbove(line: number): number {
    return countBelow(this.others, line);
  }

  /** The first marked line below this one; Infinity when there is none. */
  nextMark(line: number): number {
    return this.marks[countBelow(this.marks, line + 1)] ?? Number.POSITIVE_INFINITY;
  }
}

/** How many of these ascending numbers are less than `limit`. */
function countBelow(numbers: readonly number[], limit: number): number {
  return firstPlace(numbers.length, at => (numbers[at] as number) >= limit);
}
