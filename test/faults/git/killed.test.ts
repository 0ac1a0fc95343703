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

/** When a call of git fails: the runner is killed before it, after it, or during it together with git. */
const MODES = ['before', 'after', 'midway'] as const;

/** A git that kills its caller on the call of the given number. Returns the PATH to use. */
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
  it.each(MODES)('(%s it) leaves the remote consistent, and the next runner continues', async mode => {
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
      // A push of the killed git may still be arriving, and fsck may see half of it: 75 of 703 checks beside pushes complained.
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
    // A killed runner may have run jobs that were never recorded, at most two per kill.
    expect(linesOf(log).length).toBeLessThanOrEqual(jobs + 2 * killed);
    expect(made.git(made.bare, 'rev-list', '--merges', 'main')).toBe('');
    expect(made.refs()).toEqual(['refs/heads/main']);
  });
});
