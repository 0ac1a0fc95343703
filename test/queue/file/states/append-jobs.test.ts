import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { FileQueue } from '../../../../src/queue/file/file-queue.js';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import { type Hook, HookedDriver, type LockCall, systemError } from '../../../support/hooked-locks.js';
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

it.each<LockCall>(['open', 'tryLock', 'isAt', 'facts', 'write', 'close'])(
  'jobs are appended once although the server is lost at the call to %s',
  async which => {
    const fail = once();
    const { path, queue } = openWith('. x\n', ({ call, access }) => {
      if (call === which && access === 'append') fail();
    });
    await queue.append(COMMANDS);
    expect(readFileSync(path, 'utf8')).toBe('. x\n. a\n. b\n. c\n');
  },
);

it.each([
  ['all of them', '. x\n', '. a\n. b\n. c\n'],
  ['all of them, some of which are being run', '. x\n', 'r a\nd b\n. c\n'],
  ['all of them behind a last line without its end', '. x', '\n. a\n. b\n. c\n'],
  ['some of them', '. x\n', 'r a\n. '],
  ['some of them and the end of the last line', '. x', '\n. a\n'],
  ['none of them', '. x\n', ''],
])('jobs are appended once when nobody was told that these got there: %s', async (_, content, landed) => {
  const fail = once();
  const { path, queue } = openWith(content, ({ call, access }) => {
    if (access !== 'append') return;
    if (call === 'truncate') throw systemError('EIO');
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
    if (call === 'truncate') throw systemError('EIO');
    if (call !== 'write') return;
    if (readFileSync(path, 'latin1') === '. x\n') writeFileSync(path, '. x\n. theirs\n');
    fail();
  });
  await queue.append(COMMANDS);
  expect(readFileSync(path, 'utf8')).toBe('. x\n. theirs\n. a\n. b\n. c\n');
});
