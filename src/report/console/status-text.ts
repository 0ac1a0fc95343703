import type { OutputStream } from '../../execute/executor.js';
import type { Exit } from '../../job/outcome.js';
import type { Attempt, RunEvent } from '../../run/events.js';
import { exactDuration } from './exact-duration.js';

/* The console's and the log file's messages about a job, without line ends. Commands are copied byte for byte, so these are Buffers. */

type Ended = Extract<RunEvent, { type: 'ended' }>;
type Preparing = Extract<RunEvent, { type: 'preparing' }>;
type NotStarted = Extract<RunEvent, { type: 'notStarted' }>;

/** `stdout (alice,601): `, the prefix of each output line. */
export function outputTag(stream: OutputStream, label: string): string {
  return `${stream} (${label}): `;
}

/** ``executing `echo a'`` */
export function executingText(command: Buffer): Buffer {
  return around('executing `', command, "'");
}

/** `status (alice,601): forked "echo a"` */
export function forkedText(attempt: Attempt): Buffer {
  return statusText(attempt.label, 'forked', attempt.job.command);
}

/** `status (alice,601): exit 0 "echo a"`; after a timeout, preceded by a line that says so. */
export function endedTexts(event: Ended): Buffer[] {
  const { outcome, label } = event;
  const say = (what: string) => statusText(label, what, event.job.command);
  switch (outcome.kind) {
    case 'timedOut':
      return [say(`timed out after ${exactDuration(outcome.after)}`), say(exitText(outcome.exit))];
    case 'interrupted':
      return [say(exitText(outcome.exit))];
    default:
      return [say(exitText(outcome))];
  }
}

/** `status (alice,4f0c): left running "echo a"` */
export function detachedText(attempt: Attempt): Buffer {
  return statusText(attempt.label, 'left running', attempt.job.command);
}

/** `status (alice): pulling python:3.12: 45M of 130M in 8 layers "python train.py"` */
export function preparingText(event: Preparing, host: string): Buffer {
  return statusText(host, event.text, event.job.command);
}

/** `status (alice): not started: no such file "echo a"`: without a process, only the host can be named. */
export function notStartedText(event: NotStarted, host: string): Buffer {
  return statusText(host, `not started: ${event.message}`, event.job.command);
}

/** `exit 3`; `exit -9` for a process killed by signal 9; `killed: out of memory`; `lost: the container was removed`. */
function exitText(exit: Exit): string {
  switch (exit.kind) {
    case 'exited':
      return `exit ${exit.code}`;
    case 'signalled':
      return `exit -${exit.signal}`;
    default:
      return `${exit.kind}: ${exit.reason}`;
  }
}

function statusText(label: string, what: string, command: Buffer): Buffer {
  return around(`status (${label}): ${what} "`, command, '"');
}

function around(before: string, bytes: Buffer, after: string): Buffer {
  return Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
}
