import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import type { Lab } from '../lab/lab.js';

const LONGEST_WAIT = 60_000;

/** One run of a job, according to the marks that it left outside NFS. */
export interface Run {
  readonly job: number;
  /** From 1. More than one run of a job means that it was rerun. */
  readonly run: number;
  readonly host: string;
  /** ms since 1970 by this host's clock. */
  readonly start: number;
  /** Undefined while it runs, and forever when its host died. */
  readonly end: number | undefined;
}

/** The marks of jobs outside NFS (guest/job.sh), the authoritative record of which host ran what and how often. */
export class Record {
  private readonly folder: string;
  private readonly recordRoot: string;

  constructor(
    lab: Lab,
    private readonly name: string,
  ) {
    this.recordRoot = lab.recordRoot;
    this.folder = join(lab.recordRoot, name);
    mkdirSync(this.folder);
  }

  /**
   * A runs file of new jobs.
   * @param seconds duration of a job, beyond its start; `8 1`: 1 when it is rerun
   */
  lines(count: number, seconds: number | string | ((job: number) => number | string) = 0): string {
    const lasts = typeof seconds === 'function' ? seconds : () => seconds;
    return Array.from({ length: count }, (_, at) => `. sh /guest/job.sh ${this.name} ${at + 1} ${lasts(at + 1)}\n`).join('');
  }

  /** The same, but the first run of each job ends only when `end` is called: all at the same moment. Reruns take no time. */
  linesThatWait(count: number): { lines: string; end: () => void } {
    const sign = `${this.name}.go`;
    const wait = `until [ -e /record/${sign} ]; do sleep 0.3; done`;
    return {
      lines: this.lines(count).replaceAll('. sh', `. ${wait}; sh`),
      end: () => writeFileSync(join(this.recordRoot, sign), ''),
    };
  }

  /** All runs of all jobs so far, in order of their start. */
  runs(): Run[] {
    const names = readdirSync(this.folder);
    const ends = new Set(names.filter(name => name.includes('.end.')));
    return names
      .flatMap(name => {
        const [, job, run] = /^(\d+)\.start\.(\d+)$/.exec(name) ?? [];
        if (job === undefined) return [];
        const end = `${job}.end.${run}`;
        return {
          job: Number(job),
          run: Number(run),
          host: readFileSync(join(this.folder, name), 'utf8').trim(),
          start: this.timeOf(name),
          end: ends.has(end) ? this.timeOf(end) : undefined,
        };
      })
      .sort((a, b) => a.start - b.start);
  }

  /** The jobs that run now, if the hosts are on. */
  running(host: string): Run[] {
    return this.runs().filter(run => run.host === host && run.end === undefined);
  }

  /**
   * Waits until a host runs the given number of jobs at a time.
   * @param since each of them for at least this many seconds: it is neither just being claimed nor ending
   */
  async hasRunning(host: string, count: number, since = 0): Promise<void> {
    const isOldEnough = (run: Run): boolean => Date.now() - run.start >= since * 1000;
    await eventually(
      `${host} runs ${count} jobs`,
      () => {
        const running = this.running(host);
        return running.length === count && running.every(isOldEnough);
      },
      LONGEST_WAIT,
    );
  }

  /** Numbers of jobs, each as often as it ran to its end. */
  ended(): number[] {
    return this.runs()
      .filter(run => run.end !== undefined)
      .map(run => run.job)
      .sort((a, b) => a - b);
  }

  private timeOf(name: string): number {
    return statSync(join(this.folder, name)).mtimeMs;
  }
}

/** 1 … count: the value of `ended` when every job ran exactly once. */
export function eachOnce(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}

/** The states of a runs file's lines, in order. */
export function statesIn(content: string): string {
  return content
    .split('\n')
    .map(line => line.slice(0, 1))
    .join('');
}
