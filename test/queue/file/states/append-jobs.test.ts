import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileQueue } from '../../../../src/queue/file/file-queue.js';
import type { Access, LockableFile, LockDriver } from '../../../../src/queue/file/locks/lock-driver.js';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import type { QueueNotice } from '../../../../src/queue/queue.js';
import { type Hook, HookedDriver, type LockCall, systemError } from '../../../support/hooked-locks.js';
import { plainLines } from '../../../support/lines.js';
import { claim, openRuns } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

function openWith(content: string, hook: Hook): { path: string; queue: FileQueue } {
  const path = runsFile(content);
  const queue = new FileQueue(path, new HookedDriver(recordDriver('network'), hook));
  onTestFinished(() => queue.close());
  return { path, queue };
}

const COMMANDS = ['a', 'b', 'c'].map(text => Buffer.from(text));

/** Throws the first time that it is asked to. */
function once(): () => void {
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    throw systemError('EIO');
  };
}

it.each<[LockCall, Access]>([
  ...(['open', 'facts', 'write', 'close'] as const).map((call): [LockCall, Access] => [call, 'append']),
  ...(['open', 'tryLock', 'isAt', 'facts', 'read', 'write', 'unlock', 'close'] as const).map((call): [LockCall, Access] => [
    call,
    'change',
  ]),
])('jobs are appended once although the server is lost at the call to %s (%s)', async (which, when) => {
  let failed = false;
  const { path, queue } = openWith('. x\n', ({ call, access }) => {
    if (call !== which || access !== when || failed) return;
    failed = true;
    throw systemError('EIO');
  });
  await queue.append(COMMANDS);
  expect(failed).toBe(true);
  expect(readFileSync(path, 'utf8')).toBe('. x\n. a\n. b\n. c\n');
});

it.each([
  ['all of them', '. x\n', '.+a\n.+b\n.+c\n'],
  ['all of them, some of which are being run', '. x\n', 'r a\nd b\n.+c\n'],
  ['all of them behind a last line without its end', '. x', '\n.+a\n.+b\n.+c\n'],
  ['some of them', '. x\n', '.+a\n.+'],
  ['some of them and the end of the last line', '. x', '\n.+a\n'],
  ['none of them', '. x\n', ''],
])('jobs are appended once when nobody was told that these got there: %s', async (_, content, landed) => {
  const fail = once();
  const { path, queue } = openWith(content, ({ call, access }) => {
    if (access !== 'append') return;
    if (call === 'write') {
      // Before the call would do anything: this is how far the last one got.
      if (readFileSync(path, 'latin1') === content) appendFileSync(path, landed);
      fail();
    }
  });
  await queue.append(COMMANDS);
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines.map(line => line.slice(2))).toEqual(['x', 'a', 'b', 'c', '']);
});

it('what others appended meanwhile stays, and is not taken for ours', async () => {
  const fail = once();
  const { path, queue } = openWith('. x\n', ({ call, access }) => {
    if (access !== 'append') return;
    if (call !== 'write') return;
    if (readFileSync(path, 'latin1') === '. x\n') writeFileSync(path, '. x\n. theirs\n');
    fail();
  });
  await queue.append(COMMANDS);
  expect(readFileSync(path, 'utf8')).toBe('. x\n. theirs\n. a\n. b\n. c\n');
});

/** A driver of a process that dies when it has written so many bytes, in the middle of a write if need be. */
class MortalDriver extends HookedDriver {
  private isDead = false;

  constructor(private left: number) {
    super(recordDriver('local'), () => {
      if (this.isDead) throw new Error('the process is dead');
    });
  }

  override async open(path: string, access: Access): Promise<LockableFile> {
    const file = await super.open(path, access);
    const write = file.write.bind(file);
    return Object.assign(file, {
      write: async (bytes: Buffer, position: number | null): Promise<void> => {
        const written = Math.min(this.left, bytes.length);
        this.left -= written;
        await write(bytes.subarray(0, written), position);
        this.isDead = written < bytes.length;
        if (this.isDead) throw new Error('the process is dead');
      },
    });
  }
}

describe('a process that dies while it appends jobs', () => {
  const command = 'rm -r /data/project200001/tmp';
  const lines = `. a\n. ${command}\n. c #: after=2\n`;
  const whole = ['x', 'a', command, 'c #: after=2', 'later'];

  it.each(['. x\n', '. x'])('leaves no half of a job, wherever it dies, nor does whoever appends after it: %j', async content => {
    const bytes = lines.length * 2 + (content.endsWith('\n') ? 0 : 2);
    for (let left = 0; left < bytes; left++) {
      const path = runsFile(content);
      const queue = new FileQueue(path, new MortalDriver(left));
      await expect(queue.append(whole.slice(1, 4).map(text => Buffer.from(text)))).rejects.toThrow();
      const next = await openRuns(path);
      await next.append([Buffer.from('later')]);
      const jobs = plainLines(readFileSync(path)).filter(line => line.state !== 0);
      const commands = jobs.map(job => job.command.toString());
      expect(commands.filter(text => !whole.includes(text))).toEqual([]);
      expect(new Set(commands).size).toBe(commands.length);
      expect(commands).toEqual(expect.arrayContaining(['x', 'later']));
      await next.close();
    }
  });

  it('is named to those who run the file', async () => {
    const path = runsFile('. x\n');
    await expect(new FileQueue(path, new MortalDriver(20)).append([Buffer.from(command)])).rejects.toThrow();
    const queue = await openRuns(path);
    await queue.append([Buffer.from('later')]);
    const notices: QueueNotice[] = [];
    await claim(queue, { tell: notice => notices.push(notice) });
    expect(notices).toMatchObject([{ kind: 'news', message: 'line 2 was not added to its end, so it is no job and is passed over' }]);
  });
});

describe('a disk that is full', () => {
  it.each([8, 300, 5000])('takes nothing of what other programs append at the same time (%i bytes fit)', async fitting => {
    const path = runsFile('. x\n');
    let left = fitting;
    const driver = recordDriver('local');
    const full: LockDriver = {
      ...driver,
      async open(file, access) {
        const opened = await driver.open(file, access);
        if (access !== 'append') return opened;
        const write = opened.write.bind(opened);
        return Object.assign(opened, {
          async write(bytes: Buffer, position: number | null) {
            const written = Math.min(left, bytes.length);
            left -= written;
            await write(bytes.subarray(0, written), position);
            if (written === bytes.length) return;
            appendFileSync(path, '. theirs\n');
            throw systemError('ENOSPC');
          },
        });
      },
    };
    const queue = new FileQueue(path, full);
    onTestFinished(() => queue.close());
    const commands = Array.from({ length: 400 }, (_, at) => Buffer.from(`echo number ${at}`));
    await expect(queue.append(commands)).rejects.toThrow('no space left (ENOSPC)');
    const jobs = plainLines(readFileSync(path)).filter(line => line.state !== 0);
    expect(jobs.map(job => job.command.toString())).toEqual(['x', 'theirs']);
  });
});
