import { describe, expect, it } from 'vitest';
import type { ContainerState } from '../../../src/execute/container/engine/replies.js';
import { type Circumstances, exitOf } from '../../../src/execute/container/exit-of.js';

const STATE = { Status: 'exited', Running: false, OOMKilled: false, StartedAt: '2026-12-01T00:00:00Z', FinishedAt: '2026-12-01T00:01:00Z' };
const QUIET: Circumstances = { stderr: '', isTakenOver: false, wasEngineAway: () => false };

function exit(state: Partial<ContainerState>, more: Partial<Circumstances> = {}) {
  const inspected = { Id: 'x', State: { ...STATE, ExitCode: 0, ...state }, HostConfig: { Memory: 2 ** 30 } };
  return exitOf(inspected, { ...QUIET, ...more });
}

describe('the end of a container', () => {
  it('is an exit status, or a signal if above 128', () => {
    expect(exit({})).toEqual({ kind: 'exited', code: 0 });
    expect(exit({ ExitCode: 7 })).toEqual({ kind: 'exited', code: 7 });
    expect(exit({ ExitCode: 143 })).toEqual({ kind: 'signalled', signal: 15 });
    expect(exit({ ExitCode: 255 })).toEqual({ kind: 'exited', code: 255 });
  });

  it('is blamed on memory only when the job failed', () => {
    expect(exit({ OOMKilled: true })).toEqual({ kind: 'exited', code: 0 });
    expect(exit({ OOMKilled: true, ExitCode: 137 })).toMatchObject({ kind: 'killed', reason: expect.stringContaining('limit, 1G') });
  });

  it('is not a failure of the job if the engine was stopped at about that time', () => {
    const asked: number[] = [];
    const wasEngineAway = (since: number) => asked.push(since) > 0;
    expect(exit({ ExitCode: 143 }, { wasEngineAway }).kind).toBe('lost');
    expect(exit({ ExitCode: 3 }, { wasEngineAway })).toEqual({ kind: 'exited', code: 3 });
    expect(asked).toEqual([Date.parse(STATE.FinishedAt) - 20_000]);
    expect(exit({ ExitCode: 255 }, { isTakenOver: true }).kind).toBe('lost');
  });

  it.each([
    ['[FATAL tini (7)] exec nosuch failed: No such file or directory\n', 'nosuch: No such file or directory'],
    ['ERROR (catatonit:2): failed to exec pid1: No such file or directory\n', 'pid1: No such file or directory'],
  ])('is not the end of a job if the init process could not run the program: %s', (stderr, what) => {
    expect(exit({ ExitCode: 127 }, { stderr })).toEqual({ kind: 'lost', reason: `the container could not run ${what}` });
    expect(exit({ ExitCode: 1 }, { stderr })).toEqual({ kind: 'exited', code: 1 });
    expect(exit({ ExitCode: 127 }, { stderr: `before\n${stderr}` })).toEqual({ kind: 'exited', code: 127 });
  });
});
