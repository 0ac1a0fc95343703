import type { Job } from '../../job/job.js';
import { PRESENCE } from '../../job/print-job-lines.js';
import { visibleBytes, visibleJson } from '../../job/visible.js';
import { commandJson } from './command-json.js';

const LINE_FEED = Buffer.from('\n');

/** A job as one line of JSON. A command that is not UTF-8 is encoded as base64. */
export function jobJson(job: Job): Buffer {
  const presence = job.holder === undefined ? {} : { presence: PRESENCE[job.holder] };
  const { id, number, offset, state, command } = job;
  return Buffer.from(`${visibleJson(JSON.stringify({ id, number, offset, state, ...presence, ...commandJson(command) }))}\n`);
}

/** The command alone, as `runmaker --dry-run` prints it. @param onTerminal whether to escape control characters */
export function lineText(job: Job, onTerminal: boolean): Buffer {
  return Buffer.concat([onTerminal ? visibleBytes(job.command) : job.command, LINE_FEED]);
}
