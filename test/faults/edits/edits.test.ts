import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FinishedJson, JsonEvent } from '../../../src/report/json/json-event.js';
import { attemptsIn, overlapsIn, prepareAttempts } from '../../support/attempts.js';
import { type Background, startInBackground } from '../../support/background.js';
import { eventually } from '../../support/eventually.js';
import { figure } from '../../support/figure.js';
import { run } from '../../support/programs.js';
import { Random, seedFrom } from '../../support/random.js';
import { temporaryFolder } from '../../support/temporary.js';
import { type CarelessSave, editCarefully, editCarelessly, readLinesInPeace } from './editor.js';
import { EditScript } from './script.js';
import { Witness } from './witness.js';

const SEED = seedFrom('RUNMAKER_EDITS_SEED');
const APPEND = fileURLToPath(new URL('append.js', import.meta.url));
const RUNNERS = 3;
const APPENDERS = 4;
/** After this time without changes, in ms, no more are expected. */
const STUCK = 8000;

function startRunners(folder: string, ...options: string[]): Background[] {
  return Array.from({ length: RUNNERS }, (_, at) => {
    const [stdout, stderr] = [join(folder, `${at}.json`), join(folder, `${at}.err`)];
    return startInBackground('runmaker', ['-j3', '--watch', '--json', ...options, 'runs.txt'], { cwd: folder, stdout, stderr });
  });
}

/** Tells runners to stop, and returns their exit statuses and their messages besides events. */
async function dismiss(runners: readonly Background[], folder: string): Promise<{ statuses: (number | null)[]; said: string }> {
  for (const runner of runners) runner.signal('SIGHUP');
  const ends = await Promise.all(runners.map(runner => runner.within(20_000)));
  const said = runners
    .map((_, at) => readFileSync(join(folder, `${at}.err`), 'utf8'))
    .join('')
    // Edits insert lines that are not jobs.
    .replaceAll(/^runmaker: line \d+ is no job and is passed over: .*\n.*\n/gm, '');
  return { statuses: ends.map(end => end.status), said };
}

function refusals(folder: string): { job: number; refused: string }[] {
  return Array.from({ length: RUNNERS }, (_, at) => readFileSync(join(folder, `${at}.json`), 'utf8'))
    .flatMap(text => text.split('\n').filter(Boolean))
    .map(line => JSON.parse(line) as JsonEvent)
    .filter((event): event is FinishedJson => event.event === 'finished' && event.refused !== undefined)
    .map(({ job, refused }) => ({ job: numberIn('command' in job ? job.command : ''), refused: refused as string }));
}

function numberIn(text: string): number {
  return Number(/n=(\d+) /.exec(text)?.[1]);
}

function statesOf(lines: readonly string[]): Map<number, string> {
  return new Map(lines.filter(line => /^[.rd!?e] n=/.test(line)).map(line => [numberIn(line), line.charAt(0)]));
}

function isOver(lines: readonly string[]): boolean {
  return [...statesOf(lines).values()].every(state => state === 'd' || state === '!');
}

describe('while three runners work', () => {
  it('an editor that locks what it edits, and four appending processes, cause no lost job and no damaged line', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'runs.txt');
    const random = new Random(SEED);
    const script = new EditScript(random.fork(1), 0.06);
    const choices = random.fork(2);
    const witness = new Witness(folder, script.jobs);
    prepareAttempts(folder);
    let lines = script.newLines(100);
    writeFileSync(path, `${lines.join('\n')}\n`);
    const toAppend = Array.from({ length: APPENDERS }, () => Array.from({ length: 60 }, () => script.newJob()));

    const began = performance.now();
    const runners = startRunners(folder);
    const appenders = toAppend.map(jobs =>
      run(process.execPath, [APPEND, path, '20', '250'], { input: jobs.map(job => job.command).join('\n') }),
    );
    const saves = { replaced: 0, rewritten: 0 };
    for (let edits = 0; edits < 350; edits++) {
      const how = choices.chance(0.5) ? 'replaced' : 'rewritten';
      lines = await editCarefully(path, how, before => {
        witness.look(lines, before);
        return script.change(before, choices.below(3));
      });
      saves[how]++;
      await setTimeout(choices.between(2, 30));
      witness.look(lines, await readLinesInPeace(path));
    }
    for (const appender of await Promise.all(appenders)) expect(appender).toMatchObject({ status: 0, stderr: '' });
    const quiet = { since: performance.now(), changes: witness.changes };
    while (!isOver(await readLinesInPeace(path)) && performance.now() - quiet.since < STUCK) {
      await setTimeout(50);
      witness.look(lines, await readLinesInPeace(path));
      if (witness.changes > quiet.changes) Object.assign(quiet, { since: performance.now(), changes: witness.changes });
    }
    const { statuses, said } = await dismiss(runners, folder);

    const states = statesOf(await readLinesInPeace(path));
    const attempts = attemptsIn(folder);
    const deleted = [...script.jobs.keys()].filter(number => !states.has(number));
    const lost = toAppend.flat().filter(({ number }) => !witness.hasSeen(number));
    const refused = refusals(folder);
    figure(
      `careful edits, RUNMAKER_EDITS_SEED=${SEED}: ${saves.replaced} files replaced and ${saves.rewritten} rewritten in ${((performance.now() - began) / 1000).toFixed(0)} s, ` +
        `${APPENDERS} processes appended ${toAppend.flat().length} jobs`,
      `${script.jobs.size} jobs, ${deleted.length} of them deleted; ${states.size} survived, ${[...attempts.values()].flat().length} runs in all`,
      `${witness.looks} looks, ${witness.changes} changes of states seen, ${witness.wrongs.length} wrong; ${refused.length} results refused`,
    );
    expect(witness.wrongs).toEqual([]);
    expect(overlapsIn(folder)).toEqual([]);
    // A result finds no line only if the line was deleted.
    expect(refused.filter(({ job }) => states.has(job)).map(({ job, refused }) => `job ${job}: ${refused}`)).toEqual([]);
    // No job is left new, or running without a runner.
    expect([...states].filter(([, state]) => state === '.' || state === 'r').join(' ')).toBe('');
    const wrongly = [...script.jobs.keys()].filter(number => {
      const runs = attempts.get(number)?.length ?? 0;
      return states.has(number) ? runs !== 1 : runs > 1;
    });
    expect(wrongly.map(number => `job ${number}: ${attempts.get(number)?.length ?? 0} runs`)).toEqual([]);
    // Jobs that were reported as appended are in the file: the editor reads before it deletes.
    expect(lost.map(({ number }) => number)).toEqual([]);
    expect(said).toBe('');
    expect(statuses.filter(status => status !== 0 && status !== 1)).toEqual([]);
  }, 90_000);

  it('an editor without locks damages no line, and causes a rerun only where it has put back a state', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'runs.txt');
    const random = new Random(SEED);
    const script = new EditScript(random.fork(3), 0.06, 'free');
    const choices = random.fork(4);
    const witness = new Witness(folder, script.jobs, true);
    prepareAttempts(folder);
    let lines = script.newLines(100);
    writeFileSync(path, `${lines.join('\n')}\n`);

    const began = performance.now();
    const runners = startRunners(folder);
    const saves: CarelessSave[] = [];
    for (let edits = 0; edits < 60; edits++) {
      const save = await editCarelessly(path, choices.between(5, 120), before => {
        witness.look(lines, before);
        return script.change(before, choices.below(5));
      });
      lines = save.lines;
      saves.push(save);
      await setTimeout(choices.between(2, 30));
      witness.look(lines, await readLinesInPeace(path));
    }
    // A job that has ended and that an editor has put back to "r" is an orphan until it is reclaimed.
    await eventually('nothing is new any more', async () => ![...statesOf(await readLinesInPeace(path)).values()].includes('.'), 30_000);
    const { statuses, said } = await dismiss(runners, folder);
    witness.look(lines, await readLinesInPeace(path));
    const last = startInBackground('runmaker', ['-j6', '--reclaim', 'runs.txt'], {
      cwd: folder,
      stdout: join(folder, 'last.out'),
      stderr: join(folder, 'last.err'),
    });
    await last.within(40_000);
    witness.look(lines, await readLinesInPeace(path));

    const states = statesOf(await readLinesInPeace(path));
    const attempts = attemptsIn(folder);
    const again = [...attempts].filter(([number, tries]) => tries.length > 1 && script.jobs.get(number)?.end === 'd');
    figure(
      `careless edits, RUNMAKER_EDITS_SEED=${SEED}: ${saves.length} files replaced in ${((performance.now() - began) / 1000).toFixed(0)} s, each read up to 120 ms before`,
      `${states.size} jobs survived; ${again.length} were run again because an old state was put back; ${refusals(folder).length} results refused`,
      `${witness.looks} looks, ${witness.changes} changes of states seen, ${witness.wrongs.length} wrong`,
    );
    expect(witness.wrongs).toEqual([]);
    expect([...states].filter(([number, state]) => state !== script.jobs.get(number)?.end)).toEqual([]);
    expect([...states.keys()].filter(number => !attempts.get(number)?.some(attempt => attempt.whole))).toEqual([]);
    expect(again.filter(([number, tries]) => tries.length > 1 + timesPutBack(number, saves)).map(([number]) => number)).toEqual([]);
    expect(said).toBe('');
    expect(statuses.filter(status => status !== 0 && status !== 1)).toEqual([]);
  }, 90_000);
});

/** How many saves have put back a state that the replaced file had changed, or received later from a process that still had it open. */
function timesPutBack(job: number, saves: readonly CarelessSave[]): number {
  return saves.filter(({ lines, replaced }) => {
    const [kept, brought] = [statesOf(replaced()).get(job), statesOf(lines).get(job)];
    return kept !== brought && kept !== undefined;
  }).length;
}
