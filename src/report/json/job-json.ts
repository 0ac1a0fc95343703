import type { Job } from '../../job/job.js';
import { PRESENCE } from '../../job/print-job-lines.js';
import { commandJson } from './command-json.js';

const LINE_FEED = Buffer.from('\n');

/** A job as one JSON object a line. A command that is not UTF-8 is given as base64. */
export function jobJson(job: Job): Buffer {
  const presence = job.holder === undefined ? {} : { presence: PRESENCE[job.holder] };
  return Buffer.from(
    `${JSON.stringify({ id: job.id, number: job.number, offset: job.offset, state: job.state, ...presence, ...commandJson(job.command) })}\n`,
  );
}

/** The command alone, as `runmaker --dry-run` prints a job. */
export function lineText(job: Job): Buffer {
  return Buffer.concat([job.command, LINE_FEED]);
}
