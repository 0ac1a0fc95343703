import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { figure } from '../support/figure.js';
import { fixture, type Running, runmaker, start, startProgram } from '../support/programs.js';
import { temporaryFolder } from '../support/temporary.js';

/** Seconds within which the older programs must make progress beside long-running jobs of ours. */
const SOON = 0.3;

function older(...words: string[]): Running {
  return start('python3', [fixture('runmaker4.py'), ...words]);
}

/** How many jobs the older runner has run, and its longest waits to claim and to finish one, in seconds. */
async function resultOf(runner: Running): Promise<{ ran: number; claim: number; finish: number }> {
  const { status, stdout, stderr } = await runner.ended;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [ran, claim, finish] = stdout.trim().split(' ').map(Number) as [number, number, number];
  return { ran, claim, finish };
}

describe('a file shared with runmaker4', () => {
  it('serves two runners of each: every job runs once, and the older ones get at least a quarter', async () => {
    const count = 1500;
    const folder = temporaryFolder();
    const [runs, record] = [join(folder, 'runs.txt'), join(folder, 'record')];
    writeFileSync(runs, `# a comment\n${Array.from({ length: count }, (_, at) => `. echo ${at + 1} >> ${record}\n`).join('')}`);

    const peers = [older('run', runs, '2'), older('run', runs, '2')];
    const runners = [startProgram('runmaker', ['-j2', runs]), startProgram('runmaker', ['-j2', runs])];
    for (const runner of runners) expect((await runner.ended).status).toBe(0);
    const results = await Promise.all(peers.map(resultOf));

    const ran = readFileSync(record, 'utf8').trim().split('\n').map(Number);
    expect(ran.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    expect(readFileSync(runs, 'utf8').replace(/^d .*\n/gm, '')).toBe('# a comment\n');

    const executed = await Promise.all(runners.map(async runner => (await runner.ended).stdout.match(/^executing /gm)?.length ?? 0));
    const theirs = results.reduce((sum, result) => sum + result.ran, 0);
    figure(`of ${count} short jobs two older runners took ${theirs}, two of ours ${executed}`);
    expect(executed.reduce((sum, one) => sum + one) + theirs).toBe(count);
    expect(theirs).toBeGreaterThanOrEqual(count / 4);
    for (const share of executed) expect(share).toBeGreaterThan(0);
  }, 60_000);

  it('lets the older programs proceed beside a long job of ours: claims, results, runset4, and a runset4 started by a job', async () => {
    const set = `python3 ${fixture('runmaker4.py')} set runs.txt`;
    const bench = new Workbench(`# first\n- held\n. sleep 15\n. ${set} 8 d > own; sleep 15\n. true\n. true\n. true\n`);
    const ours = startProgram('runmaker', ['-j2', 'runs.txt'], { cwd: bench.folder });
    await bench.has('own');
    const result = await resultOf(older('run', bench.runs));
    const last = older('set', bench.runs, String(bench.content.lastIndexOf('d')), '!');
    const seconds = { ...result, set: Number((await last.ended).stdout), own: Number(bench.read('own')) };
    figure(`beside long jobs of ours the older programs wait at most ${JSON.stringify(seconds)} s`);
    expect(bench.states).toBe('drrdd!');
    expect(seconds.ran).toBe(3);
    for (const what of ['claim', 'finish', 'set', 'own'] as const) expect(seconds[what]).toBeLessThan(SOON);
    ours.child.kill('SIGTERM');
    await ours.ended;
  });

  it('may contain empty commands: they run, become d, and count in the log', async () => {
    const bench = new Workbench('. \n. echo second\n.\t\r\n. echo fourth\n');
    expect(await runmaker(['-l', 'log', '-n', '1', 'runs.txt'], { cwd: bench.folder })).toMatchObject({ status: 0 });
    expect(bench.content).toBe('d \nd echo second\nd\t\r\nd echo fourth\n');
    const records = bench.read('log').match(/^\.-> .*(?= \(in)/gm) ?? [];
    expect(records.map(record => record.trim())).toEqual(['.->', '.-> echo second', '.->', '.-> echo fourth']);
  });
});
