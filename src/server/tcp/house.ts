import type { Job } from '../../job/job.js';
import type { Counts } from '../../job/state.js';
import type { Queue, QueueNotice } from '../../queue/queue.js';
import type { ServerLog } from '../log.js';
import type { StallDetector } from './connections/stall-detector.js';
import type { ChangeNotifier } from './notification/change-notifier.js';
import type { AppendBudget } from './requests/append-buffer.js';
import type { SharedQuery } from './requests/shared-query.js';
import type { ClaimRecovery } from './sessions/claim-recovery.js';
import type { SessionRegistry } from './sessions/session-registry.js';

/** What all who work for a server have in common. */
export interface House {
  readonly queue: Queue;
  readonly sessions: SessionRegistry;
  readonly bulletin: ChangeNotifier;
  /** What tells a silent client from a server that could not listen. */
  readonly attention: StallDetector;
  readonly returning: ClaimRecovery;
  readonly counting: SharedQuery<Counts>;
  /** The jobs that are said to run. */
  readonly inHand: SharedQuery<readonly Job[]>;
  readonly budget: AppendBudget;
  readonly retry: boolean;
  /** Ids of jobs that have failed under this server, which `retry` does not give out again. */
  readonly retried: Set<string>;
  /** Takes what those should know who own the file, rather than a client. */
  readonly tell: (notice: QueueNotice) => void;
  /** How often clients are asked whether they are there, in ms. */
  readonly pulse: number;
  readonly log: ServerLog;
}
