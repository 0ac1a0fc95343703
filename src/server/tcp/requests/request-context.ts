import type { Job } from '../../../job/job.js';
import type { Counts } from '../../../job/state.js';
import type { Queue, QueueNotice } from '../../../queue/queue.js';
import type { ServerLog } from '../../log.js';
import type { ChangeNotifier } from '../notification/change-notifier.js';
import type { AppendBudget } from './append-buffer.js';
import type { RetryFilter } from './retry-filter.js';
import type { SharedQuery } from './shared-query.js';

/** What requests are answered with, the same for all clients of a server. */
export interface RequestContext {
  readonly queue: Queue;
  readonly changes: ChangeNotifier;
  readonly retries: RetryFilter;
  readonly revocations: { readonly fence: number };
  readonly counts: SharedQuery<Counts>;
  /** Jobs in state `r` or `?`. */
  readonly activeJobs: SharedQuery<readonly Job[]>;
  readonly appendBudget: AppendBudget;
  /** Tells the owner of the file, rather than a client. */
  readonly notifyOwner: (notice: QueueNotice) => void;
  readonly log: ServerLog;
}
