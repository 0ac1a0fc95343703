import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeQueue } from '../../../conformance/queue-conformance.js';
import { fileQueues } from '../../../support/file-queue.js';
import { claim, openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

describeQueue('a runs file, locked by directory', { presence: false }, fileQueues('directory'));

describe('the folder that is the lock', () => {
  it('stands beside the file only while something is changed', async () => {
    const path = runsFile('. a\n');
    const queue = await openRuns(path, 'directory');
    const taken = await claim(queue);
    expect(existsSync(`${path}.lock`)).toBe(false);
    await taken.finish({ state: 'd' });
    await queue.append([Buffer.from('b')]);
    await queue.set({}, '-');
    expect(readdirSync(dirname(path))).toEqual(['runs.txt']);
    expect(readFileSync(path, 'utf8')).toBe('- a\n- b\n');
  });

  it('keeps others out for as long as it is there', async () => {
    const path = runsFile('. a\n');
    const queue = await openRuns(path, 'directory');
    mkdirSync(`${path}.lock`);
    expect(await queue.claim({})).toEqual({ kind: 'waiting', for: 'others' });
    expect(readFileSync(path, 'utf8')).toBe('. a\n');
    rmdirSync(`${path}.lock`);
    expect((await claim(queue)).job.number).toBe(1);
  });

  it('is taken over when who made it has not touched it for a minute: that host died', async () => {
    const path = runsFile('. a\n');
    mkdirSync(`${path}.lock`);
    const then = Date.now() / 1000 - 60;
    utimesSync(`${path}.lock`, then, then);
    expect((await claim(await openRuns(path, 'directory'))).job.number).toBe(1);
  });
});
