import type { DirectiveProblem, Directives } from './directives.js';
import type { State } from './state.js';

/** One line of a queue that can be run. */
export interface Job {
  /** Line number, from 1, as an editor shows it. */
  readonly number: number;
  /** Counted over jobs only, from 1: the numbering of the older program's log file and TCP protocol. */
  readonly ordinal: number;
  /** Byte offset of the line in its file; the older program's job id. */
  readonly offset: number;
  readonly state: State;
  /** The command, byte for byte as it stands in the line: directives included, line end not. */
  readonly command: Buffer;
  readonly directives: Directives;
  /** Why the directives could not be read. Such a job is left alone. */
  readonly problem?: DirectiveProblem | undefined;
  /**
   * For a job in state `r` or `?`: whether somebody proves to be running it.
   * Undefined for other states, and where the queue cannot tell.
   */
  readonly holder?: 'present' | 'absent' | undefined;
}
