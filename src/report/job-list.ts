import { isUtf8 } from 'node:buffer';
import type { Job } from '../job/job.js';

/** What `holder` is called where people read it. */
const PRESENCE = { present: 'running', absent: 'orphaned' } as const;

const LINE_FEED = Buffer.from('\n');

/** `number: state - command`, as `runset --list` prints a job; behind a job in hand stands whether somebody is present. */
export function jobLine(job: Job): Buffer {
  const head = Buffer.from(`${job.number}: ${job.state} - `, 'latin1');
  const tail = job.holder === undefined ? LINE_FEED : Buffer.from(`  (${PRESENCE[job.holder]})\n`);
  return Buffer.concat([head, job.command, tail]);
}

/** The same as one JSON object a line. A command that is not UTF-8 is given as base64. */
export function jobJson(job: Job): Buffer {
  const command = isUtf8(job.command) ? { command: job.command.toString('utf8') } : { base64: job.command.toString('base64') };
  const presence = job.holder === undefined ? {} : { presence: PRESENCE[job.holder] };
  return Buffer.from(`${JSON.stringify({ number: job.number, offset: job.offset, state: job.state, ...presence, ...command })}\n`);
}

/** The command alone, as `runmaker --dry-run` prints a job. */
export function lineText(job: Job): Buffer {
  return Buffer.concat([job.command, LINE_FEED]);
}
