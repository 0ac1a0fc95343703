import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../../src/queue/open.js';
import type { Queue } from '../../../src/queue/queue.js';
import { Runner } from '../../../src/run/runner.js';
import { edit } from '../../support/edit.js';
import { openGit, ownCache, repository } from '../../support/git.js';
import { openRuns } from '../../support/queues.js';
import { serveHere, TOKEN } from '../../support/tcp-queue.js';
import { runsFile } from '../../support/temporary.js';

/** A queue, and an editor of its file. */
interface Edited {
  readonly queue: Queue;
  edit(change: (text: string) => string): void;
}

async function file(content: string, how: 'replaced' | 'rewritten'): Promise<Edited> {
  const path = runsFile(content);
  return { queue: await openRuns(path), edit: change => edit(path, change, how) };
}

const KINDS: [string, (content: string) => Promise<Edited>][] = [
  ['a file that is replaced', content => file(content, 'replaced')],
  ['a file that is rewritten', content => file(content, 'rewritten')],
  [
    'a served file',
    async content => {
      const path = runsFile(content);
      const service = await serveHere(await openRuns(path));
      onTestFinished(() => service.close());
      const queue = await openQueue(service.url, { token: TOKEN });
      onTestFinished(() => queue.close());
      return { queue, edit: change => edit(path, change, 'replaced') };
    },
  ],
  [
    'a file in a repository',
    async content => {
      const made = repository({ 'runs.txt': content });
      const queue = await openGit(made.name());
      return { queue, edit: change => made.edit('edit', 'runs.txt', change) };
    },
  ],
];

/** Runs all runnable jobs, retries failed ones once, and edits the file as soon as the job `when` has started. Returns the started jobs, in order. */
async function runAll({ queue, edit }: Edited, when: string, change: (text: string) => string): Promise<string[]> {
  const started: string[] = [];
  const listener = (event: { type: string; job?: { command: Buffer } }): void => {
    if (event.type !== 'started') return;
    const command = String(event.job?.command);
    if (command === when && !started.includes(when)) edit(change);
    started.push(command);
  };
  await new Runner(queue, { retry: true, listeners: [listener] }).run();
  return started;
}

function firstToTheEnd(text: string): string {
  const [first, ...others] = text.split(/(?<=\n)/);
  return [...others, first].join('');
}

beforeEach(() => {
  ownCache();
});

describe.each(KINDS)('with retry, in %s', { timeout: 120_000 }, (_, make) => {
  it('a failed job does not run again because its line was moved', async () => {
    const edited = await make('. false\n. true\n');
    expect(await runAll(edited, 'true', text => `# one\n# two\n${text}`)).toEqual(['false', 'true']);
  });

  it('a failed job runs even if its line now has the number of one that ran', async () => {
    const edited = await make('. false 1\n! false 2\n! false 3\n');
    const started = await runAll(edited, 'false 1', firstToTheEnd);
    expect(started.toSorted()).toEqual(['false 1', 'false 2', 'false 3']);
  });

  it('each of several identical jobs that were moved runs once', async () => {
    const edited = await make('! false\n! false\n! false\n! false\n');
    expect(await runAll(edited, 'false', text => `# one\n${text}`)).toEqual(Array(4).fill('false'));
  });

  it('an appended line runs, and those before it stay unchanged', async () => {
    const edited = await make('. false\n. true\n');
    expect(await runAll(edited, 'true', text => `${text}! false\n`)).toEqual(['false', 'true', 'false']);
  });
});
