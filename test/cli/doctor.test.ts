import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { withoutLocks } from '../support/no-locks.js';
import { runset } from '../support/programs.js';

/** The verdict before each finding, by subject. */
function verdictsOf(stdout: string): Record<string, string> {
  return Object.fromEntries([...stdout.matchAll(/^(ok|\?|BAD) +(\S+)/gm)].map(([, verdict, what]) => [what, verdict]));
}

describe('runset --doctor', () => {
  it('finds a file on a local disk safe to share, and leaves it unchanged', async () => {
    const bench = new Workbench('. true\nd true\n');
    const { status, stdout, stderr } = await runset(['--doctor', bench.runs]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(verdictsOf(stdout)).toEqual({ filesystem: 'ok', place: 'ok', locks: 'ok', second: 'ok', cost: 'ok', file: 'ok', runners: 'ok' });
    expect(stdout).toMatch(/^safe to share$/m);
    expect(stdout).toMatch(/cost +a lock and its release take [\d.]+ (µs|ms) \(median of 200\), [\d.]+ (µs|ms) at worst/);
    expect(readFileSync(bench.runs, 'utf8')).toBe('. true\nd true\n');
  });

  it('counts the jobs that run and those without presence', async () => {
    const bench = new Workbench('r true\n? true\n. true\n');
    const { stdout } = await runset(['--doctor', bench.runs]);
    expect(stdout).toMatch(/runners +0 jobs are being run; 2 say so, but nobody shows presence/);
  });

  it.each(['file', 'directory'])('examines the lock driver "%s" as well', async driver => {
    const bench = new Workbench('. true\n');
    const { status, stdout } = await runset(['--doctor', '--locks', driver, bench.runs]);
    expect(status).toBe(0);
    expect(stdout).toContain(`locks of the driver "${driver}" are granted, exclude each other`);
  });

  it('with --peer: two on one host find each other, and report that this proves nothing about other hosts', async () => {
    const bench = new Workbench('. true\n');
    const both = await Promise.all([runset(['--doctor', '--peer', bench.runs]), runset(['--doctor', '--peer', bench.runs])]);
    for (const { status, stdout } of both) {
      expect(status).toBe(1);
      expect(verdictsOf(stdout)).toMatchObject({ peer: '?', exclusion: 'ok', visibility: 'ok' });
    }
    expect(readFileSync(bench.runs, 'utf8')).toBe('. true\n');
    expect(readdirSync(bench.folder)).toEqual(['runs.txt']);
  });

  it('reports a missing file, and nothing about its safety', async () => {
    const bench = new Workbench('');
    const { status, stdout, stderr } = await runset(['--doctor', bench.path('none')]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^runset: .*none: no such file$/m);
  });

  it('reports a filesystem without locks as unsafe, and says what to do', async () => {
    const bench = new Workbench('. true\n');
    const { status, stdout } = await runset(['--doctor', bench.runs], { env: withoutLocks('ENOLCK') });
    expect(status).toBe(3);
    expect(verdictsOf(stdout)).toMatchObject({ locks: 'BAD' });
    expect(stdout).toContain('--locks directory');
    expect(stdout).toMatch(/^not safe/m);
  });
});
