/** documents/ are the formats of a queue over git: a file as bytes, read into jobs and written with other states. */
import { RunmakerError } from '../../../errors.js';
import type { LineJob } from '../../../job/job.js';
import type { State } from '../../../job/state.js';

/**
 * The contract of a format: what a queue's file says, and what it says after a change. Pure: bytes in, bytes out.
 */
export interface QueueDocument {
  readonly bytes: Buffer;
  /** In order. */
  readonly jobs: readonly DocumentJob[];
  /** Line numbers, ascending. */
  readonly barriers: readonly number[];
  readonly lineCount: number;
  /** Other programs that may work on such a file and keep no lease, in the plural. */
  readonly silent?: string;
  /** Whether the file proves by a header that it is a queue, so that one without jobs is no mistake. */
  readonly isTable?: true;
  /**
   * The file with other states, by line number, and everything else byte for byte as it was.
   * @throws RunmakerError `usage` for a state that the format has no word for
   */
  withStates(states: ReadonlyMap<number, State>): Buffer;
  /**
   * The file with jobs at its end.
   * @throws RunmakerError `usage` for a command that the format cannot hold
   */
  withJobs(jobs: readonly NewJobs[]): Buffer;
}

/** Jobs that are to be appended. */
export interface NewJobs {
  readonly commands: readonly Buffer[];
  readonly state: State;
}

/** A job of a file, and its identity whatever its state and position. Identical jobs have the same key. */
export interface DocumentJob extends LineJob {
  readonly key: string;
}

/** Reads a file. @throws RunmakerError `input`, naming the file and the line, when it cannot be read as a whole */
export type ReadDocument = (bytes: Buffer, name: string) => QueueDocument;

const MARKERS = /^(?:<{7} |\|{7} |>{7} )/m;

/**
 * Refuses a file with an unresolved merge: it holds lines twice, with different states.
 * @throws RunmakerError `input`, naming the line of the first marker
 */
export function refuseMergeMarkers(bytes: Buffer, name: string): void {
  if (!bytes.includes('<<<<<<< ') && !bytes.includes('>>>>>>> ')) return;
  const text = bytes.toString('latin1');
  const found = MARKERS.exec(text);
  if (found === null) return;
  const line = text.slice(0, found.index).split('\n').length;
  throw new RunmakerError('input', `${name} has merge markers in it, the first at line ${line}`, {
    hint: 'resolve the merge, and push it; runners wait for that',
  });
}
