import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonEvent } from '../../../src/report/json/json-event.js';
import { attemptsIn, overlapsIn } from '../../support/attempts.js';

/** The findings about a chaos run, from the files it has left. */
export interface ChaosFindings {
  readonly attempts: number;
  /** Attempts that ran to their end. */
  readonly whole: number;
  /** Final states that runners reported as written. */
  readonly recorded: number;
  /** All violations, in words; empty when all laws were kept. */
  readonly broken: readonly string[];
}

/** A job as reported by one runner: the process that ran it, and what was written. */
interface Told {
  readonly runner: string;
  readonly job: number;
  readonly pid: number | undefined;
  readonly state: string;
  readonly refused: string | undefined;
}

/**
 * The laws of a chaos run:
 * no job runs twice at the same time · every job ends `d`, and only state bytes change · a job in `d` ran to its end at least
 * once · once `d` is written, no runner writes or runs the job again · without edits no result is refused · runners do not fail.
 */
export function judge(folder: string, lines: readonly string[]): ChaosFindings {
  const broken: string[] = [];
  broken.push(...overlapsIn(folder));

  const content = readFileSync(join(folder, 'runs.txt'), 'utf8');
  const wanted = `${lines.map(line => `d${line.slice(1)}`).join('\n')}\n`;
  if (content !== wanted) {
    const now = content.split('\n');
    const wrong = wanted.split('\n').flatMap((line, at) => (line === now[at] ? [] : [`line ${at + 1} is ${JSON.stringify(now[at])}`]));
    broken.push(
      `the file is not as it should be at the end: ${wrong.slice(0, 5).join(', ')}${wrong.length > 5 ? ` and ${wrong.length - 5} more` : ''}`,
    );
  }

  const attempts = attemptsIn(folder);
  for (let job = 1; job <= lines.length; job++) {
    const tries = attempts.get(job) ?? [];
    if (!tries.some(attempt => attempt.whole))
      broken.push(`job ${job} is done, but none of its ${tries.length} attempts came to its end: ${lines[job - 1]}`);
  }

  const told = readdirSync(join(folder, 'out'))
    .filter(name => name.endsWith('.json'))
    .flatMap(name => resultsTold(join(folder, 'out', name)));
  const done = new Map<number, Told>();
  for (const result of told) {
    const { job, runner, pid, state, refused } = result;
    if (refused !== undefined) broken.push(`runner ${runner}: the result of job ${job} was refused: ${refused}`);
    if (state !== 'd' || refused !== undefined) continue;
    const other = done.get(job);
    if (other) broken.push(`job ${job} was done twice: by runner ${other.runner} and by runner ${runner}`);
    done.set(job, result);
    const last = attempts.get(job)?.at(-1);
    if (pid !== undefined && last && last.pid !== pid)
      broken.push(`job ${job} was run again (process ${last.pid}) after process ${pid} had done it`);
  }

  for (const name of readdirSync(join(folder, 'out')).filter(name => name.endsWith('.err'))) {
    for (const line of linesOf(join(folder, 'out', name))) broken.push(`runner ${name.slice(0, -4)} said: ${line}`);
  }

  const all = [...attempts.values()].flat();
  return { attempts: all.length, whole: all.filter(attempt => attempt.whole).length, recorded: told.length, broken };
}

/** Runners that were killed may have left a partial line. */
function resultsTold(path: string): Told[] {
  const runner = path.replace(/^.*\/|\.json$/g, '');
  const pids = new Map<number, number>();
  const results: Told[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
    const event = JSON.parse(line) as JsonEvent;
    if (event.event === 'started') pids.set(Number(event.job.id), event.pid as number);
    if (event.event !== 'finished') continue;
    const number = Number(event.job.id);
    results.push({ runner, job: number, pid: pids.get(number), state: event.state, refused: event.refused });
  }
  return results;
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean);
}
