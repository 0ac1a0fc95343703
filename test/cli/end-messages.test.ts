import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { runmaker, runset, runwait } from '../support/programs.js';

const STUCK = '! a\n. b #: after=1\n. c #: colour=1\nR x\nx y\nx z\n- w\n';

describe('at its end', () => {
  it('a runner counts failed jobs even if others are blocked, names lines with bad directives, and lists unknown states', async () => {
    const bench = new Workbench(STUCK);
    const { status, stderr } = await runmaker(['-q', bench.runs]);
    expect(status).toBe(1);
    expect(stderr).toContain(': 1 job failed\n');
    expect(stderr).toContain('2 jobs are blocked and cannot run: what line 3 says cannot be read or come true');
    expect(stderr).toContain(`see runset --list ${bench.runs} 3\n`);
    expect(stderr).toContain('3 jobs are held (R: 1, x: 2): no runner takes jobs in such states; the first is job 4');
  });

  it('runwait reports the same, and runset --stats counts the same', async () => {
    const bench = new Workbench(STUCK);
    const { stderr } = await runwait([bench.runs]);
    expect(stderr).toContain('2 jobs are blocked and cannot run: what line 3 says cannot be read or come true');
    expect(stderr).toContain('3 jobs are held (R: 1, x: 2)');
    expect((await runset(['--stats', bench.runs])).stdout).toMatch(/ 2 blocked\n/);
  });

  it('jobs held by the hold character are not mentioned', async () => {
    const { status, stderr } = await runmaker(['-q', new Workbench('. true\n- b\n').runs]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('long lists of lines are shortened', async () => {
    const { stderr } = await runmaker(['-q', new Workbench('. a #: b=1\n'.repeat(20)).runs]);
    expect(stderr).toContain('20 jobs are blocked and cannot run: what lines 1, 2, 3, 4, 5, 6, 7, 8 and 12 more say');
  });
});

it.each([
  ['R a\n', 'its only job is held'],
  ['R a\n- b\n', 'all 2 jobs are held'],
])('a file without a runnable job ends with status 2 and the reason: %j', async (content, reason) => {
  const { status, stderr } = await runmaker([new Workbench(content).runs]);
  expect(status).toBe(2);
  expect(stderr).toContain(reason);
});
