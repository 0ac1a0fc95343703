import { describe, expect, it } from 'vitest';
import { requestOf } from '../../../src/execute/slurm/request.js';
import { exitFrom, isUnderWay, readStates } from '../../../src/execute/slurm/states.js';
import { jobOf } from '../../support/task.js';

const SEEN = `5             1             FAILED              15        rm-run
6             N/A           CANCELLED           0         rm-h
7             3             PENDING             0         7
7             12            RUNNING             0         7
8             2             FAILED              512       rm-x
`;

describe('the output of squeue', () => {
  it('is parsed element by element; anything else is ignored', () => {
    expect(readStates(SEEN)).toEqual([
      { element: '5_1', state: 'FAILED', status: 15 },
      { element: '7_3', state: 'PENDING', status: 0 },
      { element: '7_12', state: 'RUNNING', status: 0 },
      { element: '8_2', state: 'FAILED', status: 512 },
    ]);
  });

  it.each(['PENDING', 'RUNNING', 'COMPLETING', 'SUSPENDED', 'REQUEUED', 'CONFIGURING'])('counts %s as in progress', state => {
    expect(isUnderWay({ element: '1_1', state, status: 0 })).toBe(true);
  });

  it.each([
    ['FAILED', 15, { kind: 'signalled', signal: 15 }],
    ['FAILED', 512, { kind: 'exited', code: 2 }],
    ['COMPLETED', 0, { kind: 'exited', code: 0 }],
    ['FAILED', 53, { kind: 'lost', reason: expect.stringContaining('--slurm-dir') }],
    ['TIMEOUT', 9, { kind: 'killed', reason: expect.stringContaining('time limit') }],
    ['OUT_OF_MEMORY', 9, { kind: 'killed', reason: expect.stringContaining('out of memory') }],
    ['NODE_FAIL', 0, { kind: 'lost', reason: expect.stringContaining('node failed'), retry: true }],
    ['PREEMPTED', 0, { kind: 'lost', reason: 'it was preempted', retry: true }],
    ['CANCELLED', 0, { kind: 'lost', reason: 'it was cancelled in Slurm' }],
    ['DEADLINE', 0, { kind: 'lost', reason: expect.stringContaining('deadline') }],
  ])('maps %s with status %d to the end of an element that left no record', (state, status, exit) => {
    expect(isUnderWay({ element: '1_1', state, status })).toBe(false);
    expect(exitFrom({ element: '1_1', state, status })).toEqual(exit);
  });
});

describe('the resources a job requests from Slurm', () => {
  it('follow its directives, rounded up', () => {
    expect(requestOf(jobOf('x #: cpus=1.5 mem=1500K gpus=2'), 90_500)).toEqual([
      '--cpus-per-task=2',
      '--mem=2M',
      '--gpus=2',
      '--time=1:31',
    ]);
  });

  it('are empty without directives', () => {
    expect(requestOf(jobOf('x'), undefined)).toEqual([]);
  });
});
