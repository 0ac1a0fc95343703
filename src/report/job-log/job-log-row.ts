import type { Exit } from '../../job/outcome.js';
import type { RunEvent } from '../../run/events.js';

/** The first line of GNU parallel's job log. */
export const JOB_LOG_HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n';

/**
 * One line of the job log, in the format of GNU parallel 20221122: seconds with three decimals, the run time at least ten characters wide,
 * separated by tabs. Starttime counts from 1970. Seq is the job's line number; Send is always 0.
 *
 * A job killed by a signal has Exitval 0 and the signal's number. A job that timed out never looks successful: where Exitval would be 0 it
 * is -1, as for a job that its executor ended.
 *
 * @param received bytes of stdout
 * @returns undefined for anything but a finished run: like GNU parallel, the log omits interrupted jobs, so that
 *   they run again when a run is resumed from the log
 */
export function jobLogRow(event: Extract<RunEvent, { type: 'ended' }>, received: number): Buffer | undefined {
  const { outcome } = event;
  if (outcome.kind === 'interrupted' || outcome.kind === 'lost') return undefined;
  const [code, signal] = outcome.kind === 'timedOut' ? timedOut(outcome.exit) : columns(outcome);
  const host = event.host.split('.', 1)[0]!;
  const runTime = seconds(event.end - event.start).padStart(10);
  const fields = [event.job.number ?? event.job.id, host, seconds(event.start), runTime, 0, received, code, signal, ''];
  return Buffer.concat([Buffer.from(fields.join('\t')), event.job.command, Buffer.from('\n')]);
}

function timedOut(exit: Exit): [code: number, signal: number] {
  const [code, signal] = columns(exit);
  return [code === 0 ? -1 : code, signal];
}

function columns(exit: Exit): [code: number, signal: number] {
  switch (exit.kind) {
    case 'exited':
      return [exit.code, 0];
    case 'signalled':
      return [0, exit.signal];
    default:
      return [-1, 0];
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
