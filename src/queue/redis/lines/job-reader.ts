import type { LineJob } from '../../../job/job.js';
import { isWithin, mergedRanges } from '../../../job/line-ranges.js';
import { jobMatcher, type Selection } from '../../../job/selection.js';
import type { Connection } from '../connection/connection.js';
import { jobOf, type Line } from './line-text.js';
import type { Mirror } from './mirror.js';
import { readChosen } from './text-reader.js';

/** Finds and reads jobs: decides by states first, and fetches only the text of the rest. */
export class JobReader {
  constructor(
    private readonly connection: Connection,
    private readonly mirror: Mirror,
  ) {}

  /** The lines that are chosen as they are now. @param among only these */
  async choose(selection: Selection, among?: ReadonlySet<number>): Promise<readonly number[]> {
    await this.mirror.look();
    const { match, commands, offsets } = selection;
    if (match === undefined && commands === undefined && offsets === undefined) return [...this.chosenByState(selection, among)];
    const chosen: number[] = [];
    for await (const jobs of this.read(selection, among)) for (const { number } of jobs) chosen.push(number);
    return chosen;
  }

  /** The chosen jobs with the mirror's states, in order, in batches. */
  async *read(selection: Selection, among?: ReadonlySet<number>): AsyncGenerator<readonly LineJob[]> {
    const matches = jobMatcher(selection);
    for await (const lines of readChosen(this.connection, this.chosenByState(selection, among))) {
      const jobs = lines.map(line => this.jobOf(line)).filter(matches);
      if (jobs.length > 0) yield jobs;
    }
  }

  /** The jobs of these lines, in the given order. */
  async jobsInOrder(lines: readonly number[]): Promise<LineJob[]> {
    const jobs = new Map((await this.jobsAt(lines)).map(job => [job.number, job]));
    return lines.map(line => jobs.get(line) as LineJob);
  }

  /** The jobs of these lines, ascending. */
  async jobsAt(lines: readonly number[]): Promise<LineJob[]> {
    const jobs: LineJob[] = [];
    const ascending = [...lines].sort((a, b) => a - b);
    for await (const batch of readChosen(this.connection, ascending)) for (const line of batch) jobs.push(this.jobOf(line));
    return jobs;
  }

  /** The chosen lines, as far as states alone can tell. */
  *chosenByState({ lines, offsets, states }: Selection, among?: ReadonlySet<number>): Generator<number> {
    const { mirror } = this;
    const ranges = lines === undefined || offsets !== undefined ? undefined : mergedRanges(lines);
    const wanted = states && new Set(states.map(state => state.charCodeAt(0)));
    for (const line of among ?? numbersTo(mirror.lines)) {
      if (!mirror.isJob(line) || wanted?.has(mirror.byteAt(line)) === false) continue;
      if (ranges === undefined || isWithin(ranges, line)) yield line;
    }
  }

  private jobOf(line: Line): LineJob {
    const { number } = line;
    return jobOf(line, this.mirror.stateAt(number), this.mirror.rules.othersAbove(number));
  }
}

function* numbersTo(last: number): Generator<number> {
  for (let number = 1; number <= last; number++) yield number;
}
