import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { JobLog, openJobLog } from '../../../src/report/job-log/job-log.js';
import { canMount, mountTmpfs } from '../../support/tmpfs.js';
import { attemptAt, job, START, tell, temporaryFolder, warnings } from '../support.js';

const HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n';
const unexpected = (message: string): void => expect.unreachable(message);
const noLock = () => Promise.resolve(() => Promise.resolve());
const noLocks = { toMend: noLock, toAppend: noLock };
const inFolder = () => join(temporaryFolder(), 'job.log');

/** The rows below the header, split into fields. */
function rows(path: string): string[][] {
  const text = fs.readFileSync(path, 'latin1');
  expect(text.startsWith(HEADER)).toBe(true);
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(HEADER.length, -1)
    .split('\n')
    .map(line => line.split('\t'));
}

describe('the job log', () => {
  it('has a row for each finished run', async () => {
    const path = inFolder();
    const log = await openJobLog(path, unexpected);
    const run = attemptAt(job('echo a; echo "b"', { number: 12 }), { host: 'alice.example.org' });
    tell(log.listener, run.started, run.stdout('a\n'), run.stderr('not counted\n'), run.stdout('b\n'));
    await log.listener(run.ended());
    await log.close();
    expect(fs.readFileSync(path, 'utf8')).toBe(
      `${HEADER}12\talice\t${(START / 1000).toFixed(3)}\t     1.500\t0\t4\t0\t0\techo a; echo "b"\n`,
    );
  });

  it.each([
    ['exited', { kind: 'exited', code: 3 }, ['3', '0']],
    ['was killed by a signal', { kind: 'signalled', signal: 9 }, ['0', '9']],
    ['was too slow', { kind: 'timedOut', after: 1, exit: { kind: 'signalled', signal: 15 } }, ['-1', '15']],
    ['was too slow and left with 0', { kind: 'timedOut', after: 1, exit: { kind: 'exited', code: 0 } }, ['-1', '0']],
    ['was too slow and left with 5', { kind: 'timedOut', after: 1, exit: { kind: 'exited', code: 5 } }, ['5', '0']],
  ] as const)('reports how a job that %s has ended', async (_name, outcome, fields) => {
    const path = inFolder();
    const log = await openJobLog(path, unexpected);
    await log.listener(attemptAt('cmd').ended(outcome));
    await log.close();
    expect(rows(path)[0]?.slice(6, 8)).toEqual(fields);
  });

  it('has no row for an interrupted job, which has not finished', async () => {
    const path = inFolder();
    const log = await openJobLog(path, unexpected);
    await log.listener(attemptAt('cmd').ended({ kind: 'interrupted', exit: { kind: 'signalled', signal: 15 } }));
    await log.close();
    expect(fs.readFileSync(path, 'utf8')).toBe(HEADER);
  });

  it('keeps commands byte for byte', async () => {
    const path = inFolder();
    const log = await openJobLog(path, unexpected);
    await log.listener(attemptAt(Buffer.from([0xff, 0x09, 0x78])).ended());
    await log.close();
    expect(rows(path)[0]?.slice(8)).toEqual(['\xff', 'x']);
  });

  it('gets its header only when it is created', async () => {
    const path = inFolder();
    await (await openJobLog(path, unexpected)).close();
    await (await openJobLog(path, unexpected)).close();
    expect(fs.readFileSync(path, 'utf8')).toBe(HEADER);
    expect(fs.readdirSync(dirname(path))).toEqual(['job.log']);
  });

  it('gets its header when it exists but is empty', async () => {
    const path = inFolder();
    fs.writeFileSync(path, '');
    await (await openJobLog(path, unexpected)).close();
    expect(fs.readFileSync(path, 'utf8')).toBe(HEADER);
  });

  it('gets a missing line end first, if its last line has none', async () => {
    const path = inFolder();
    fs.writeFileSync(path, `${HEADER}1\told`);
    const log = await openJobLog(path, unexpected);
    await log.listener(attemptAt('cmd').ended());
    await log.close();
    expect(rows(path).map(row => row[1])).toEqual(['old', 'alice']);
  });

  it('receives all rows of concurrent writers, in whole lines, under one header', async () => {
    const path = inFolder();
    const logs = await Promise.all(Array.from({ length: 5 }, () => openJobLog(path, unexpected)));
    await Promise.all(
      logs.map(async (log, i) => {
        for (let n = 0; n < 100; n++) await log.listener(attemptAt(job(`cmd ${i} ${n}`)).ended());
        await log.close();
      }),
    );
    const commands = rows(path).map(row => row[8]);
    expect(new Set(commands).size).toBe(500);
    expect(commands).toHaveLength(500);
  });

  it('supports resume by GNU parallel', { tags: ['parallel'] }, async () => {
    const path = inFolder();
    const commands = ['echo first', 'echo second; exit 1', 'echo third'];
    const log = await openJobLog(path, unexpected);
    await log.listener(attemptAt(job(commands[0]!, { number: 1 })).ended());
    await log.listener(attemptAt(job(commands[1]!, { number: 2 })).ended({ kind: 'signalled', signal: 9 }));
    await log.close();
    const resume = (how: string, log: string) => {
      fs.copyFileSync(path, log);
      const { stdout } = spawnSync('parallel', [how, '--joblog', log], { input: commands.join('\n'), timeout: 20_000, encoding: 'utf8' });
      return stdout.split('\n').filter(Boolean).sort();
    };
    expect(resume('--resume', `${path}.1`)).toEqual(['third']);
    expect(resume('--resume-failed', `${path}.2`)).toEqual(['second', 'third']);
  });

  it('matches the format of GNU parallel', { tags: ['parallel'] }, async () => {
    const theirs = inFolder();
    execFileSync('parallel', ['--joblog', theirs, ':::', 'echo a'], { timeout: 20_000 });
    const ours = inFolder();
    const log = await openJobLog(ours, unexpected);
    const run = attemptAt('echo a', { host: ':' });
    tell(log.listener, run.started);
    tell(log.listener, run.stdout('a\n'));
    await log.listener(run.ended());
    await log.close();
    const shape = (path: string) => fs.readFileSync(path, 'utf8').replaceAll(/\d+\.\d{3}/g, '0.000');
    expect(shape(ours)).toBe(shape(theirs));
  });

  it('on a full disk lets the jobs continue, with one message', async () => {
    const { said, warn } = warnings();
    const log = new JobLog('job.log', await open('/dev/full', 'a'), noLocks, warn);
    await log.listener(attemptAt('cmd').ended());
    await log.listener(attemptAt('cmd').ended());
    await log.close();
    expect(said).toEqual(['job.log: no space left on device (ENOSPC)']);
  });

  it('starts a new line after a row that a full disk has torn', async () => {
    const path = inFolder();
    const { warn } = warnings();
    const handle = await open(path, 'a');
    const log = new JobLog(path, handle, noLocks, warn);
    const write = vi.spyOn(handle, 'write');
    write.mockImplementationOnce((async (bytes: Buffer) => ({
      bytesWritten: fs.writeSync(handle.fd, bytes, 0, 5),
      buffer: bytes,
    })) as never);
    write.mockRejectedValueOnce(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
    await log.listener(attemptAt('torn').ended());
    await log.listener(attemptAt('whole').ended());
    await log.close();
    expect(fs.readFileSync(path, 'utf8').split('\n')).toEqual(['1\tali', expect.stringMatching(/^1\talice.*whole$/), '']);
  });

  it.skipIf(!canMount())('gets its header when a full disk has room again', async () => {
    const { said, warn } = warnings();
    const disk = mountTmpfs(64 * 1024);
    const path = join(disk, 'job.log');
    expect(() => fs.writeFileSync(join(disk, 'filler'), Buffer.alloc(128 * 1024))).toThrow('ENOSPC');
    const log = await openJobLog(path, warn);
    await log.listener(attemptAt('lost').ended());
    fs.rmSync(join(disk, 'filler'));
    await log.listener(attemptAt('kept').ended());
    await log.close();
    expect(said).toEqual([`${path}: no space left on device (ENOSPC)`]);
    expect(rows(path).map(row => row[8])).toEqual(['kept']);
  });

  it('may be a pipe with a reader', async () => {
    const path = inFolder();
    execFileSync('mkfifo', [path]);
    const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 });
    const read = text(reader.stdout);
    const log = await vi.waitFor(() => openJobLog(path, unexpected), 5000);
    await log.listener(attemptAt('cmd').ended());
    await log.close();
    expect(await read).toMatch(/^Seq\t.*\n1\talice\t.*\tcmd\n$/);
  });

  it('that is a pipe without a reader does not block', async () => {
    const path = inFolder();
    execFileSync('mkfifo', [path]);
    await expect(openJobLog(path, unexpected)).rejects.toMatchObject({
      name: 'RunmakerError',
      code: 'input',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('start its reader first'),
    });
  });

  it('is not appended to a file with other content', async () => {
    const path = join(temporaryFolder(), 'notes.txt');
    fs.writeFileSync(path, 'notes of mine\n');
    await expect(openJobLog(path, message => expect.unreachable(message))).rejects.toMatchObject({
      code: 'usage',
      message: `${path} is no job log: its first line is neither the header of one nor a row`,
    });
    expect(fs.readFileSync(path, 'utf8')).toBe('notes of mine\n');
  });

  it('that cannot be opened is an error before anything starts', async () => {
    const path = join(temporaryFolder(), 'missing', 'job.log');
    await expect(openJobLog(path, unexpected)).rejects.toMatchObject({
      name: 'RunmakerError',
      code: 'input',
      message: `${path}: no such file or directory (ENOENT)`,
      hint: expect.stringContaining('create the folder'),
    });
  });
});
