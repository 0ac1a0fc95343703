import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ownCache, repository } from '../../support/git.js';
import { runset } from '../../support/programs.js';

const LIMIT = { timeout: 300_000 };
const BEFORE = '. first\n';
const ADDED = Array.from({ length: 2000 }, (_, at) => `rm -r /data/project${at}/tmp`);

beforeEach(() => {
  ownCache();
});

/** A git that sends runset a signal before or after the call that contains one of these words. */
function killingGit(folder: string, word: string, signal: string, when: 'before' | 'after'): string {
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const bin = join(folder, `bin-${word}-${signal}-${when}`);
  mkdirSync(bin);
  const kill = `kill -${signal} $PPID`;
  const run = when === 'before' ? `${kill}; sleep 0.2; exec ${real} "$@"` : `${real} "$@"; status=$?; ${kill}; exit $status`;
  writeFileSync(join(bin, 'git'), `#!/bin/sh\ncase " $* " in\n*" ${word} "*) ${run};;\nesac\nexec ${real} "$@"\n`);
  chmodSync(join(bin, 'git'), 0o755);
  return bin;
}

describe('an append over git', LIMIT, () => {
  const whole = `${BEFORE}${ADDED.map(command => `. ${command}\n`).join('')}`;
  const moments = ['fast-import', 'push'].flatMap(word =>
    (['before', 'after'] as const).flatMap(when => ['HUP', 'KILL'].map(signal => [signal, when, word] as const)),
  );

  it.each(moments)('that gets %s %s git %s lands completely or not at all, and so does the next one', async (signal, when, word) => {
    const made = repository({ 'runs.txt': BEFORE });
    const list = join(made.folder, 'list');
    writeFileSync(list, `${ADDED.join('\n')}\n`);
    const path = killingGit(made.folder, word, signal, when);
    await runset(['--add-from', list, made.name()], { env: { PATH: `${path}:${process.env.PATH}` } });
    // Each state that the branch has ever had: a push in progress may land a little later.
    await new Promise(resolve => setTimeout(resolve, 1000));
    const commits = made.git(made.bare, 'rev-list', 'main').trim().split('\n');
    for (const commit of commits) expect([BEFORE, whole]).toContain(made.git(made.bare, 'cat-file', 'blob', `${commit}:runs.txt`));
    const now = made.read();
    expect(await runset(['--add', 'last', made.name()])).toMatchObject({ status: 0 });
    expect(made.read()).toBe(`${now}. last\n`);
  });
});
