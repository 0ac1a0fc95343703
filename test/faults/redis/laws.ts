import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The findings from the journals of all runners. */
export interface Findings {
  readonly starts: number;
  readonly recorded: number;
  readonly refused: number;
  /** What the runners were told, by queue. */
  readonly told: readonly string[];
  /** All violations, in words. */
  readonly broken: readonly string[];
}

interface Stretch {
  readonly runner: string;
  readonly from: number;
  /** When the job had certainly ended. */
  to: number;
}

/**
 * No job runs twice at the same time · its end is recorded at most once · it is not started again after that · jobs below a
 * barrier start after the ends of all jobs above it are recorded.
 * @param killed when each runner was killed, by its journal
 * @param barriers by queue
 */
export function judge(
  folder: string,
  killed: ReadonlyMap<string, number>,
  barriers: Readonly<Record<string, readonly number[]>>,
): Findings {
  const stretches = new Map<string, Stretch[]>();
  const recorded = new Map<string, number>();
  const broken: string[] = [];
  const told: string[] = [];
  let refused = 0;
  for (const runner of readdirSync(folder)) {
    const open = new Map<string, Stretch>();
    for (const line of readFileSync(join(folder, runner), 'utf8').split('\n').slice(0, -1)) {
      const [time, what, ...words] = line.split(' ');
      const [at, job] = [Number(time), words.join(' ')];
      if (what === 'start') {
        const stretch = { runner, from: at, to: killed.get(runner) ?? Number.POSITIVE_INFINITY };
        open.set(job, stretch);
        stretches.set(job, [...(stretches.get(job) ?? []), stretch]);
      } else if (what === 'end') (open.get(job) as Stretch).to = at;
      else if (what === 'recorded') {
        if (recorded.has(job)) broken.push(`job ${job}: its end was recorded twice`);
        recorded.set(job, at);
      } else if (what === 'refused') refused++;
      else if (what === 'told') told.push(`${runner}: ${job}`);
    }
  }
  for (const [job, all] of stretches) {
    all.sort((a, b) => a.from - b.from);
    for (let at = 1; at < all.length; at++) {
      const [one, next] = [all[at - 1] as Stretch, all[at] as Stretch];
      if (next.from < one.to) broken.push(`job ${job}: ${next.runner} has started it while ${one.runner} was at it`);
    }
    const end = recorded.get(job);
    if (end !== undefined && (all.at(-1) as Stretch).from > end) broken.push(`job ${job} was started again after its end was recorded`);
  }
  for (const [queue, lines] of Object.entries(barriers)) for (const line of lines) broken.push(...early(queue, line, stretches, recorded));
  const starts = [...stretches.values()].reduce((sum, all) => sum + all.length, 0);
  return { starts, recorded: recorded.size, refused, told, broken };
}

function early(queue: string, barrier: number, stretches: ReadonlyMap<string, Stretch[]>, recorded: ReadonlyMap<string, number>): string[] {
  const isOf = (job: string, isAbove: boolean): boolean => {
    const [title, line] = job.split(' ');
    return title === queue && Number(line) < barrier === isAbove;
  };
  const first = Math.min(...[...stretches].filter(([job]) => isOf(job, false)).flatMap(([, all]) => all.map(({ from }) => from)));
  const last = Math.max(...[...stretches].filter(([job]) => isOf(job, true)).flatMap(([, all]) => all.map(({ to }) => to)));
  const late = [...recorded].filter(([job, at]) => isOf(job, true) && at - LATE > first);
  return [
    ...(last > first ? [`queue ${queue}: a job below line ${barrier} was started before the last one above it had ended`] : []),
    ...late.map(([job]) => `queue ${queue}: a job below line ${barrier} was started before the end of ${job} was recorded`),
  ];
}

/** From when a result is in Redis to when its runner notes it, and may be stopped in between, in ms. */
const LATE = 5000;
