import { readQueueCsv } from '../../../compat/gitrunner/queue-csv.js';
import { RunmakerError } from '../../../errors.js';
import { NO_DIRECTIVES } from '../../../job/directives.js';
import { BARRIER_LINE } from '../../../job/line.js';
import { type QueueDocument, refuseMergeMarkers } from './document.js';

/** Reads gitrunner's queue.csv as a queue: a row is a job. */
export function readCsvQueue(bytes: Buffer, name: string): QueueDocument {
  refuseMergeMarkers(bytes, name);
  const table = readQueueCsv(bytes, name);
  return {
    bytes,
    jobs: table.rows.map(({ line, ...row }, at) => ({
      ...row,
      id: String(line),
      number: line,
      ordinal: at + 1,
      directives: NO_DIRECTIVES,
    })),
    barriers: [],
    lineCount: table.lineCount,
    silent: 'runners of gitrunner',
    isTable: true,
    withStates: states => table.withStates(states),
    withJobs: jobs => {
      if (jobs.some(({ commands }) => commands.includes(BARRIER_LINE)))
        throw new RunmakerError('usage', 'a queue.csv has no barriers', { hint: 'use a runs.txt' });
      return table.withJobs(jobs);
    },
  };
}
