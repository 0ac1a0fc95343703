import type { Exit } from '../../job/outcome.js';

/** squeue's report on one element of an array. */
export interface ElementState {
  /** `123_4`: array and index. */
  readonly element: string;
  /** In full, `RUNNING`. */
  readonly state: string;
  /** In the form of wait(2); for a job that Slurm could not start, a number of Slurm's own. */
  readonly status: number;
}

/** The columns to request from squeue, in the form of `--Format`. */
export const COLUMNS = 'ArrayJobID:14,ArrayTaskID:14,State:20,exit_code:10,Name:40';

/** Reads the output of `squeue --noheader --array --Format=COLUMNS`. Ignores lines of another form, such as jobs without an array. */
export function readStates(text: string): ElementState[] {
  return text.split('\n').flatMap(line => {
    const [array, index, state, status] = line.trim().split(/\s+/);
    if (state === undefined || !/^\d+$/.test(array ?? '') || !/^\d+$/.test(index ?? '')) return [];
    return [{ element: `${array}_${index}`, state, status: Number(status) || 0 }];
  });
}

/** States of jobs that run or may run again. */
const UNDER_WAY = new Set([
  'PENDING',
  'CONFIGURING',
  'RUNNING',
  'COMPLETING',
  'STAGE_OUT',
  'SUSPENDED',
  'STOPPED',
  'SIGNALING',
  'RESIZING',
  'REQUEUED',
  'REQUEUE_HOLD',
  'REQUEUE_FED',
  'RESV_DEL_HOLD',
  'SPECIAL_EXIT',
]);

export function isUnderWay({ state }: ElementState): boolean {
  return UNDER_WAY.has(state);
}

/** slurmd could not open the files for the job's output, or its folder: 0:53 in Slurm's own words. */
const NO_FILES = 53;

/** How an element ended that left no exit status, according to Slurm. */
export function exitFrom({ state, status }: ElementState): Exit {
  switch (state) {
    case 'TIMEOUT':
      return { kind: 'killed', reason: 'its time limit in Slurm was reached' };
    case 'OUT_OF_MEMORY':
      return { kind: 'killed', reason: 'out of memory: it used more than mem= or the partition gives it' };
    case 'NODE_FAIL':
    case 'BOOT_FAIL':
      return { kind: 'lost', reason: `its node failed (${state})`, retry: true };
    case 'PREEMPTED':
      return { kind: 'lost', reason: 'it was preempted', retry: true };
    case 'CANCELLED':
      return { kind: 'lost', reason: 'it was cancelled in Slurm' };
    case 'DEADLINE':
      return { kind: 'lost', reason: 'its deadline in Slurm was reached' };
    default:
      return exitFromStatus(state, status);
  }
}

function exitFromStatus(state: string, status: number): Exit {
  const signal = status & 0x7f;
  if (state === 'FAILED' && status === NO_FILES) {
    return { kind: 'lost', reason: 'its node could not write its output: the folder of --slurm-dir must be seen by all nodes' };
  }
  if (signal !== 0) return { kind: 'signalled', signal };
  return state === 'COMPLETED' || state === 'FAILED'
    ? { kind: 'exited', code: (status >> 8) & 0xff }
    : { kind: 'lost', reason: `Slurm says ${state} of it` };
}
