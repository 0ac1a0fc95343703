import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixture, start, startProgram } from '../support/programs.js';
import { temporaryFolder } from '../support/temporary.js';

describe('a peer that works the file the older way', () => {
  it('shares it with two runners: every job is run exactly once, and all are done', async () => {
    const count = 400;
    const folder = temporaryFolder();
    const [runs, record] = [join(folder, 'runs.txt'), join(folder, 'record')];
    writeFileSync(runs, Array.from({ length: count }, (_, at) => `. echo ${at + 1} >> ${record}\n`).join(''));

    const peer = start('python3', [fixture('peer.py'), runs]);
    const runners = [startProgram('runmaker', ['-j2', runs]), startProgram('runmaker', ['-j2', runs])];
    for (const runner of runners) expect((await runner.ended).status).toBe(0);
    const { status, stdout, stderr } = await peer.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });

    const ran = readFileSync(record, 'utf8').trim().split('\n').map(Number);
    expect(ran.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    expect(readFileSync(runs, 'utf8').replace(/^d .*\n/gm, '')).toBe('');

    const executed = await Promise.all(runners.map(async runner => (await runner.ended).stdout.match(/^executing /gm)?.length ?? 0));
    expect([...executed, Number(stdout)].reduce((sum, one) => sum + one)).toBe(count);
    // All three had a part in it: otherwise nothing was shown.
    for (const share of [...executed, Number(stdout)]) expect(share).toBeGreaterThan(0);
  });
});
