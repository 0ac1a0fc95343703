import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type LogFileOptions, openLogFile } from '../../../src/report/log/log-file.js';
import { attemptAt, job, tell, temporaryFolder, warnings } from '../support.js';

const quietly: LogFileOptions = { lines: 3, directory: '/home/alice', host: 'alice', warn: message => expect.unreachable(message) };

/** The file's records without their padding. */
function records(path: string): string[] {
  const text = fs.readFileSync(path, 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map(record => record.trimEnd());
}

async function logFile(options: Partial<LogFileOptions> = {}) {
  const path = join(temporaryFolder(), 'log');
  const log = await openLogFile(path, { ...quietly, ...options });
  onTestFinished(() => log.close());
  return { path, log, listener: log.listener };
}

describe('the log file', () => {
  it('holds the command and the last lines of a job', async () => {
    const { path, listener } = await logFile();
    const run = attemptAt('echo a; sleep 60s; echo A');
    tell(listener, run.started, run.stdout('a\n'), run.stdout('A\n'));
    await listener(run.ended());
    expect(records(path)).toEqual([
      '.-> echo a; sleep 60s; echo A (in /home/alice)',
      ': stdout (alice,601): a',
      ': stdout (alice,601): A',
      '+ status (alice,601): exit 0 "echo a; sleep 60s; echo A"',
    ]);
    expect(fs.statSync(path).size).toBe(4 * 161);
  });

  it('marks stderr, and fills lines that are not there yet with colons', async () => {
    const { path, listener } = await logFile({ lines: 4 });
    const run = attemptAt('cmd');
    tell(listener, run.started);
    tell(listener, run.stderr('oh\n'));
    await listener(run.ended());
    expect(records(path)).toEqual([
      '.-> cmd (in /home/alice)',
      '+ status (alice,601): forked "cmd"',
      '! stderr (alice,601): oh',
      '+ status (alice,601): exit 0 "cmd"',
      ':',
    ]);
  });

  it('is rejected if jobs had different numbers of lines: the records would overlap', async () => {
    const { path, log, listener } = await logFile({ lines: 3 });
    for (const run of [1, 2, 4].map(ordinal => attemptAt(job('a', { ordinal })))) {
      tell(listener, run.started);
      await listener(run.ended());
    }
    await log.close();
    const before = fs.readFileSync(path);
    for (const lines of [1, 2, 5, 7]) {
      await expect(openLogFile(path, { ...quietly, lines })).rejects.toMatchObject({
        code: 'usage',
        message: `${path} keeps 3 lines for each job, not ${lines}`,
      });
    }
    await (await openLogFile(path, { ...quietly, lines: 3 })).close();
    expect(fs.readFileSync(path)).toEqual(before);
  });

  it('is written when a job starts', async () => {
    const { path, listener } = await logFile({ lines: 1 });
    tell(listener, attemptAt('cmd').started);
    await expect.poll(() => records(path), { timeout: 5000 }).toEqual(['.-> cmd (in /home/alice)', '+ status (alice,601): forked "cmd"']);
  });

  it('stores each job at its index among the jobs, and keeps the blocks of others', async () => {
    const { path, listener } = await logFile({ lines: 1 });
    const other = await openLogFile(path, { ...quietly, lines: 1 });
    await listener(attemptAt(job('three', { number: 9, ordinal: 3 })).ended());
    await other.listener(attemptAt(job('one', { number: 2, ordinal: 1 })).ended());
    await other.listener(attemptAt(job('two', { number: 5, ordinal: 2 })).ended());
    await other.close();
    expect(records(path).filter(record => record.startsWith('.'))).toEqual([
      '.-> one (in /home/alice)',
      '.-> two (in /home/alice)',
      '.-> three (in /home/alice)',
    ]);
    expect(fs.statSync(path).size).toBe(3 * 2 * 161);
  });

  it('keeps existing content', async () => {
    const path = join(temporaryFolder(), 'log');
    fs.writeFileSync(path, `${'old'.padEnd(160)}\n`.repeat(4));
    const log = await openLogFile(path, { ...quietly, lines: 0 });
    await log.listener(attemptAt(job('new', { ordinal: 2 })).ended());
    await log.close();
    expect(records(path)).toEqual(['old', '.-> new (in /home/alice)', 'old', 'old']);
  });

  it.each([
    ['an empty file', ''],
    ['a log of another number of lines', `${'.-> cmd (in /)'.padEnd(160)}\n${':'.padEnd(160)}\n`],
    ['a log whose first job was not run yet', `${'\0'.repeat(322)}${'.-> cmd (in /)'.padEnd(160)}\n`],
    ['a log whose first job was not run yet, and torn by a full disk', '\0'.repeat(100)],
    ['a log of runmaker4-client that a full disk has torn', '.-> cmd (in /)'.padEnd(300)],
    ['a log that a full disk has torn', `${'.-> cmd (in /)'.padEnd(160)}\n: stdo`],
    ['a log whose records are padded by characters instead of bytes', `${'.-> é (in /)'.padEnd(160)}\n${': é'.padEnd(160)}\n`],
    ['lines of 160 bytes, whatever they say', `${'x'.repeat(160)}\n`.repeat(100)],
  ])('may be %s', async (_, content) => {
    const path = join(temporaryFolder(), 'log');
    fs.writeFileSync(path, content);
    await (await openLogFile(path, quietly)).close();
    expect(fs.readFileSync(path, 'utf8')).toBe(content);
  });

  it.each([
    ['from its first job on', 0],
    ['whose first jobs were not run yet, also where these are many', 400],
  ])('keeps records of 500 bytes where runmaker4-client has begun it that way, %s', async (_, before) => {
    const path = join(temporaryFolder(), 'log');
    const theirs = [`.-> theirs (in /)`, ': stdout (bob,7): x', '+ status (bob,7): exit 0', ':'].map(record => `${record.padEnd(500)}\n`);
    fs.writeFileSync(path, Buffer.concat([Buffer.alloc(before * 4 * 501), Buffer.from(theirs.join(''))]));
    const log = await openLogFile(path, quietly);
    const run = attemptAt(job('ours', { ordinal: before + 2 }));
    tell(log.listener, run.started, run.stdout(`${'y'.repeat(600)}\n`));
    await log.listener(run.ended());
    await log.close();
    const written = fs.readFileSync(path).subarray(before * 4 * 501);
    expect(written.toString('latin1', 0, 4 * 501)).toBe(theirs.join(''));
    const ours = written.toString('latin1', 4 * 501).split('\n');
    expect(ours.map(({ length }) => length)).toEqual([500, 500, 500, 500, 0]);
    expect(ours.map(record => record.trimEnd())).toEqual([
      '.-> ours (in /home/alice)',
      '+ status (alice,601): forked "ours"',
      `: stdout (alice,601): ${'y'.repeat(500 - ': stdout (alice,601): '.length)}`,
      '+ status (alice,601): exit 0 "ours"',
      '',
    ]);
    await expect(openLogFile(path, { ...quietly, lines: 2 })).rejects.toMatchObject({
      message: `${path} keeps 3 lines for each job, not 2`,
    });
  });

  it.each([
    ['a line', 'precious\n'],
    ['a text', 'To whom it may concern.\n'.repeat(100)],
    ['a text of long lines', `${'To whom it may concern. '.repeat(20)}\n`.repeat(9)],
    ['a text that has a newline behind 160 bytes by chance', `${'x'.repeat(79)}\n${'x'.repeat(80)}\n`],
    ['a job log', 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n'],
    ['bytes', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0]).toString().repeat(1000)],
  ])('never overwrites %s', async (_, content) => {
    const path = join(temporaryFolder(), 'log');
    fs.writeFileSync(path, content);
    await expect(openLogFile(path, quietly)).rejects.toMatchObject({
      name: 'RunmakerError',
      code: 'usage',
      message: `${path} is no log of fixed records, and would be written over`,
      hint: `name another file for the log, or remove this one first: rm ${path}`,
    });
    expect(fs.readFileSync(path, 'utf8')).toBe(content);
  });

  it('needs positions for its records, which a pipe does not have', async () => {
    const path = join(temporaryFolder(), 'log');
    execFileSync('mkfifo', [path]);
    await expect(openLogFile(path, quietly)).rejects.toMatchObject({ code: 'usage', message: `${path} is not a regular file` });
  });

  it('is rewritten from time to time while a job runs', async () => {
    const { path, listener } = await logFile({ lines: 1, interval: 200 });
    const run = attemptAt('cmd');
    tell(listener, run.started);
    await expect.poll(() => records(path)[1], { timeout: 5000 }).toBe('+ status (alice,601): forked "cmd"');
    tell(listener, run.stdout('early\n'));
    await setTimeout(20);
    expect(records(path)[1]).toBe('+ status (alice,601): forked "cmd"');
    tell(listener, run.stdout('late\n'));
    await expect.poll(() => records(path)[1], { timeout: 5000 }).toBe(': stdout (alice,601): late');
  });

  it('is rewritten when it is closed', async () => {
    const { path, log, listener } = await logFile({ lines: 1 });
    const run = attemptAt('cmd');
    tell(listener, run.started, run.stdout('last words\n'));
    await log.close();
    expect(records(path)[1]).toBe(': stdout (alice,601): last words');
  });

  it('shows the last of very many lines', async () => {
    const { path, listener } = await logFile({ lines: 2 });
    const run = attemptAt('seq');
    tell(listener, run.started);
    tell(listener, run.stdout(Array.from({ length: 100_000 }, (_, i) => `${i}\n`).join('')));
    await listener(run.ended());
    expect(records(path)[1]).toBe(': stdout (alice,601): 99999');
  });

  it('shows empty lines and those without a newline', async () => {
    const { path, listener } = await logFile({ lines: 4 });
    const run = attemptAt('cmd');
    tell(listener, run.stdout('\na\r\nend'));
    await listener(run.ended());
    expect(records(path).slice(1)).toEqual([
      ': stdout (alice,601):',
      ': stdout (alice,601): a',
      ': stdout (alice,601): end',
      '+ status (alice,601): exit 0 "cmd"',
    ]);
  });

  it('continues when a job is retried', async () => {
    const { path, listener } = await logFile({ lines: 4 });
    const first = attemptAt('cmd');
    const second = attemptAt('cmd', { attempt: 2, label: 'alice,602' });
    tell(listener, first.started, first.ended({ kind: 'exited', code: 1 }, { again: true }), second.started);
    await listener(second.ended());
    expect(records(path).slice(1)).toEqual([
      '+ status (alice,601): forked "cmd"',
      '+ status (alice,601): exit 1 "cmd"',
      '+ status (alice,602): forked "cmd"',
      '+ status (alice,602): exit 0 "cmd"',
    ]);
  });

  it('reports a job that could not be started', async () => {
    const { path, listener } = await logFile({ lines: 1 });
    await listener({ type: 'notStarted', job: job('cmd'), slot: 1, message: 'no such shell' });
    expect(records(path)[1]).toBe('+ status (alice): not started: no such shell "cmd"');
  });

  it('on a full disk lets the jobs continue, with one message', async () => {
    const { said, warn } = warnings();
    const log = await openLogFile('/dev/full', { ...quietly, warn });
    const run = attemptAt('cmd');
    tell(log.listener, run.started);
    await log.listener(run.ended());
    await log.close();
    expect(said).toEqual(['/dev/full: no space left on device (ENOSPC)']);
  });

  it('that cannot be opened is an error before anything starts', async () => {
    const path = join(temporaryFolder(), 'missing', 'log');
    await expect(openLogFile(path, quietly)).rejects.toMatchObject({
      name: 'RunmakerError',
      code: 'input',
      message: `${path}: no such file or directory (ENOENT)`,
      hint: expect.stringContaining('create the folder'),
    });
  });
});
