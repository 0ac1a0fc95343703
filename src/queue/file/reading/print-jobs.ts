import type { Job } from '../../../job/job.js';
import { jobLine, LinePrinter, Print } from '../../../job/print-job-lines.js';
import { jobMatcher, type Selection } from '../../../job/selection.js';
import { State } from '../../../job/state.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { type FileJob, jobsIn, readBlocks } from './read-jobs.js';

/**
 * Prints the chosen jobs. Where nothing but the state chooses, and nobody is at work, a block is printed without making a job of
 * any line.
 * @param presence whether the holders of claimed jobs can be found out
 * @param findHolders finds the holders
 */
export async function* printJobs(
  file: LockableFile,
  selection: Selection,
  presence: boolean,
  findHolders: (jobs: readonly FileJob[]) => Promise<void>,
): AsyncGenerator<Buffer> {
  const matches = jobMatcher(selection);
  const printer = new LinePrinter(printsFor(selection, presence));
  const plain =
    selection.lines === undefined && selection.offsets === undefined && selection.match === undefined && selection.commands === undefined;
  for await (const { bytes, start } of readBlocks(file, 'lent')) {
    const place = { line: printer.line, ordinal: 0 };
    let text = plain ? printer.print(bytes) : undefined;
    if (text === undefined) {
      const chosen: (FileJob & Job)[] = jobsIn(bytes, start, place).filter(matches);
      await findHolders(chosen);
      text = Buffer.concat(chosen.map(jobLine));
      printer.line = place.line;
    }
    if (text.length > 0) yield text;
  }
}

/** What to do with each state, by its byte. */
function printsFor({ states }: Selection, presence: boolean): Uint8Array {
  const prints = new Uint8Array(256).fill(states === undefined ? Print.asItIs : Print.never);
  for (const state of states ?? []) prints[state.charCodeAt(0)] = Print.asItIs;
  for (const state of [State.running, State.claimed]) {
    const byte = state.charCodeAt(0);
    if (presence && prints[byte] !== Print.never) prints[byte] = Print.withHolder;
  }
  return prints;
}
