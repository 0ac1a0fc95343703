import type { Job } from '../job/job.js';
import type { Counts } from '../job/state.js';
import type { Queue, QueueNotice } from '../queue/queue.js';
import type { Budget } from './append-parts.js';
import type { Attention } from './attention.js';
import type { Bulletin } from './bulletin.js';
import type { ServerLog } from './log.js';
import type { Returning } from './returning.js';
import type { Sessions } from './sessions.js';
import type { Shared } from './shared.js';

/** What all who work for a server have in common. */
export interface House {
  readonly queue: Queue;
  readonly sessions: Sessions;
  readonly bulletin: Bulletin;
  /** What tells a silent client from a server that could not listen. */
  readonly attention: Attention;
  readonly returning: Returning;
  readonly counting: Shared<Counts>;
  /** The jobs that are said to run. */
  readonly inHand: Shared<readonly Job[]>;
  readonly budget: Budget;
  readonly retry: boolean;
  /** Ids of jobs that have failed under this server, which `retry` does not give out again. */
  readonly retried: Set<string>;
  /** Takes what those should know who own the file, rather than a client. */
  readonly tell: (notice: QueueNotice) => void;
  /** How often clients are asked whether they are there, in ms. */
  readonly pulse: number;
  readonly log: ServerLog;
}
