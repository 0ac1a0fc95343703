import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileQueue } from '../../../../src/queue/file/file-queue.js';
import { recordDriver } from '../../../../src/queue/file/locks/record.js';
import type { QueueNotice } from '../../../../src/queue/queue.js';
import { HookedDriver } from '../../../support/hooked-locks.js';
import { claim } from '../../../support/queues.js';
import { runsFile } from '../../../support/temporary.js';

/** A queue on a file that an editor saves in place at the very moment before a state is written. */
function openBesideEditor(content: string) {
  const path = runsFile(content);
  const editor: { edit: ((text: string) => string) | undefined } = { edit: undefined };
  const driver = new HookedDriver(recordDriver('local'), ({ call, access }) => {
    const { edit } = editor;
    if (call !== 'write' || access !== 'change' || edit === undefined) return;
    editor.edit = undefined;
    writeFileSync(path, edit(readFileSync(path, 'latin1')), 'latin1');
  });
  const queue = new FileQueue(path, driver);
  onTestFinished(() => queue.close());
  return { path, queue, editor };
}

const CONTENT = Array.from({ length: 9 }, (_, at) => `. python train.py --seed ${at + 1} --data /data/project2000${at}\n`).join('');
const above = (text: string): string => `# a note\n${text}`;
const without = (text: string): string => text.slice(text.indexOf('\n') + 1);

describe('an editor that saves in place just before a state is written', () => {
  it.each([
    ['adds a line above', above],
    ['takes a line away', without],
  ])('%s: a result overwrites no command, and lands where the line is now', async (_, edit) => {
    const { path, queue, editor } = openBesideEditor(CONTENT);
    const notices: QueueNotice[] = [];
    const tell = (notice: QueueNotice): void => void notices.push(notice);
    const first = await claim(queue, { tell });
    const second = await claim(queue, { tell });
    editor.edit = edit;
    expect(await second.finish({ state: 'd' })).toEqual({ kind: 'recorded', incomplete: true });
    const wanted = CONTENT.split('\n').map((line, at) => (at === 0 ? line.replace('.', 'r') : at === 1 ? line.replace('.', 'd') : line));
    expect(readFileSync(path, 'latin1')).toBe(edit(wanted.join('\n')));
    expect(notices).toMatchObject([{ kind: 'news', message: expect.stringContaining('it was put back') }]);
    expect(await first.finish({ state: '!' })).toMatchObject({ kind: edit === without ? 'refused' : 'recorded' });
  });

  it('lets a claim overwrite no command either: the line is claimed where it is now', async () => {
    const { path, queue, editor } = openBesideEditor(CONTENT);
    const first = await claim(queue);
    editor.edit = above;
    const taken = await claim(queue);
    expect(taken.job.number).toBe(3);
    expect(readFileSync(path, 'latin1')).toBe(above(CONTENT.replace('.', 'r').replace('\n.', '\nr')));
    await first.abandon?.();
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded', incomplete: true });
  });

  it('cannot be put right where all is new: the place is named', async () => {
    const { queue, editor } = openBesideEditor(CONTENT);
    const notices: QueueNotice[] = [];
    const taken = await claim(queue, { tell: notice => void notices.push(notice) });
    editor.edit = () => 'all of this is new\n'.repeat(20);
    expect(await taken.finish({ state: 'd' })).toMatchObject({ kind: 'refused' });
    expect(notices).toMatchObject([{ kind: 'news', message: expect.stringMatching(/line 1 .* was overwritten by "d"/) }]);
  });

  it('is no matter when it changes nothing that lies before the line', async () => {
    const { path, queue, editor } = openBesideEditor(CONTENT);
    const taken = await claim(queue);
    editor.edit = text => `${text}# the end\n`;
    expect(await taken.finish({ state: 'd' })).toEqual({ kind: 'recorded' });
    expect(readFileSync(path, 'latin1')).toBe(`${CONTENT.replace('.', 'd')}# the end\n`);
  });
});
