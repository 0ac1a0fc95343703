import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { repository } from '../../support/git.js';
import { programWords } from '../../support/programs.js';
import { gitRunner, linesOf, longRun } from '../../support/runners.js';

const LIMIT = { timeout: 300_000 };
const LEASE = 1000;

/** How a call of git goes wrong: the runner is killed before it, after it, or while it is at work, and git with it. */
const MODES = ['before', 'after', 'midway'] as const;

/** A git that kills who calls it, on the call of that number. Returns what PATH is to be. */
function deadlyGit(folder: string): string {
  const bin = join(folder, 'deadly');
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  mkdirSync(bin);
  const script = `#!/bin/sh
echo >> "$CALLS"
if [ "$(wc -l < "$CALLS")" = "$DEADLY_CALL" ]; then
  case $DEADLY_MODE in
    after) ${real} "$@" > /dev/null 2>&1 < /dev/stdin ;;
    midway) ${real} "$@" > /dev/null 2>&1 < /dev/stdin & sleep 0.0$(($DEADLY_CALL % 4 + 1)); kill -9 $! ;;
  esac
  kill -9 $PPID
  exit 1
fi
exec ${real} "$@"
`;
  writeFileSync(join(bin, 'git'), script);
  chmodSync(join(bin, 'git'), 0o755);
  return `${bin}:${process.env.PATH}`;
}

describe('a runner that is killed at any call of git', LIMIT, () => {
  it.each(MODES)('(%s it) leaves the remote whole, and the next one goes on', async mode => {
    const jobs = 30;
    const made = repository({});
    const log = join(made.folder, 'log');
    const calls = join(made.folder, 'calls');
    made.change('jobs', { 'runs.txt': Array.from({ length: jobs }, (_, at) => `. echo ${at} >> ${log}\n`).join('') });
    const PATH = deadlyGit(made.folder);
    let killed = 0;
    for (let call = 1; call <= 17; call++) {
      rmSync(calls, { force: true });
      const env = { PATH, CALLS: calls, DEADLY_CALL: String(call), DEADLY_MODE: mode };
      const { signal } = await gitRunner(made.folder, 'shared', ['-j2', '-1', '--lease', `${LEASE}ms`, made.name()], env);
      if (signal === 'SIGKILL') killed++;
      expect(made.read()).toMatch(/^(?:[.rd] echo \d+ >> .*\n){30}$/);
      // What the killed git was pushing may still be arriving, and fsck sees half of that: of 703 of them beside pushes 75 complained.
      await eventually('the remote is whole', () => [made.git(made.bare, 'fsck', '--strict')]);
    }
    expect(killed).toBeGreaterThan(8);
    const [node, runset] = programWords('runset');
    const reclaim = () => longRun(node, [runset, '--reclaim', made.name()], { XDG_CACHE_HOME: join(made.folder, 'cache-shared') });
    for (let looks = 0; looks < 2; looks++) {
      await reclaim();
      await setTimeout(LEASE / 2 + 250);
    }
    expect(await reclaim()).toMatchObject({ status: 0 });
    expect(made.read()).not.toMatch(/^r/m);
    expect(await gitRunner(made.folder, 'shared', ['-j4', made.name()])).toEqual({ status: 0, signal: null, stderr: '' });
    expect(made.read().match(/^d /gm)?.length).toBe(jobs);
    expect(new Set(linesOf(log)).size).toBe(jobs);
    // Whoever was killed may have run what nobody knew of; never more than two a kill.
    expect(linesOf(log).length).toBeLessThanOrEqual(jobs + 2 * killed);
    expect(made.git(made.bare, 'rev-list', '--merges', 'main')).toBe('');
    expect(made.refs()).toEqual(['refs/heads/main']);
  });
});
