import { isUtf8 } from 'node:buffer';
import type { Job } from '../job/job.js';
import { PRESENCE } from '../job/job-lines.js';

const LINE_FEED = Buffer.from('\n');

/** A job as one JSON object a line. A command that is not UTF-8 is given as base64. */
export function jobJson(job: Job): Buffer {
  const command = isUtf8(job.command) ? { command: job.command.toString('utf8') } : { base64: job.command.toString('base64') };
  const presence = job.holder === undefined ? {} : { presence: PRESENCE[job.holder] };
  return Buffer.from(`${JSON.stringify({ number: job.number, offset: job.offset, state: job.state, ...presence, ...command })}\n`);
}

/** The command alone, as `runmaker --dry-run` prints a job. */
export function lineText(job: Job): Buffer {
  return Buffer.concat([job.command, LINE_FEED]);
}
