/**
 * The contract of a queue: where jobs and their states live.
 *
 * **claim**: the exclusive right to run one job, from `.` to its final state ·
 * **presence**: proof that the holder of a claim is still alive ·
 * **orphan**: a job in state `r` (or `?`) without presence ·
 * **reclaim**: setting orphans back to `.` ·
 * **blocked**: a new job that can never run, because what it waits for failed or is held.
 *
 * test/conformance/ defines what every queue must do; a queue is done when it passes.
 */

import type { Job } from '../job/job.js';
import type { Needs, Share } from '../job/needs.js';
import type { JobOutcome } from '../job/outcome.js';
import type { Selection } from '../job/selection.js';
import type { Counts, FinalState, State } from '../job/state.js';

/** What a runner is ready to run now. */
export interface ClaimRequest {
  /** Also take jobs that are `!` or `e`, except those in `tried`. */
  readonly retry?: boolean;
  /** Ids of the jobs that this runner has already run, so that `retry` takes each at most once; see `Queue.layout`. */
  readonly tried?: ReadonlySet<string>;
  /** What is free now. Jobs that need more are skipped. Absent: everything fits. */
  readonly free?: Needs;
  /** The runner's total. Jobs that need more are skipped for good. */
  readonly capacity?: Needs;
  /**
   * How many jobs the asker could take now, one after the other; 1 by default. Where claims are expensive, that many may be claimed at once
   * and handed out one by one. Like `free` it may grow during the claim: read it when needed.
   */
  readonly slots?: number;
  /** Receives notices for the user, each once. */
  readonly tell?: (notice: QueueNotice) => void;
  /** The asker, where one handle serves many: each gets every notice once. */
  readonly asker?: object;
  readonly signal?: AbortSignal;
}

/** A notice about a queue for its user. */
export type QueueNotice =
  /** Every runner leaves the job alone: its line says something unreadable or impossible. */
  | { readonly kind: 'unusable'; readonly line: number; readonly column: number; readonly message: string }
  /** Every user of the host may write the queue, and thereby run commands as the user of any runner on it. */
  | { readonly kind: 'writable'; readonly name: string }
  /** The job needs more than this asker's total. */
  | { readonly kind: 'tooBig'; readonly line: number; readonly needs: Needs }
  /** Any other message. */
  | { readonly kind: 'news'; readonly message: string; readonly hint: string };

/** A request to set orphans back. */
export type ReclaimRequest = Pick<ClaimRequest, 'tell' | 'signal'>;

/** How to set states. */
export interface SetOptions {
  /** Also those of running jobs. */
  readonly force?: boolean;
  readonly tell?: ClaimRequest['tell'];
}

/** The result of a claim request. */
export type ClaimResult =
  | { readonly kind: 'claimed'; readonly claim: Claim }
  /** Nothing now, but a job may become claimable when `room` is freed, or when jobs that run elsewhere end. */
  | { readonly kind: 'waiting'; readonly for: 'room' | 'others' }
  /** No job is claimable, and none can become so. */
  | { readonly kind: 'exhausted' };

/** The result of writing a job's final state. */
export type FinishResult =
  /**
   * `state`: the state written, if it differs from the requested one: the job is to be tried again, by any runner. `incomplete`: not all
   * files of the job were accepted; a message said where they stay.
   */
  | { readonly kind: 'recorded'; readonly state?: FinalState | typeof State.new; readonly incomplete?: true }
  /** The line is no longer the claimed one; nothing was written. */
  | { readonly kind: 'refused'; readonly reason: string };

/** How a job is put back. */
export interface ReleaseOptions {
  /** It was not run: a job claimed for a retry is `!` or `e` again. All others become `.`. */
  readonly unrun?: boolean;
}

/** The exclusive right to run one job. Ends with `finish`, `release` or `abandon`, whichever comes first. */
export interface Claim {
  readonly job: Job;
  /** A descriptor that the job's process should inherit: the claim then counts as held for as long as the runner or the job lives. */
  readonly presence?: number | undefined;
  /**
   * Keeps the current `presence` descriptor open, even if presence is shown elsewhere from now on, until the returned function is called.
   */
  holdPresence?(): () => void;
  /** Where the job is to run, as an absolute path, if the queue brings files along; otherwise the runner decides. */
  readonly directory?: string | undefined;
  /** Variables for the job's environment. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Resources granted by a scheduler; the runner takes them as given. */
  readonly share?: Share | undefined;
  /** Where the job runs, as noted by an earlier runner; see `note`. */
  readonly handle?: string | undefined;
  /** Keeps with the claim where the job runs, so that a later runner can attach to it. Absent if the queue cannot keep it. */
  note?(handle: string): Promise<void>;
  /** Writes the job's final state and releases the claim. */
  finish(outcome: JobOutcome): Promise<FinishResult>;
  /** Puts the job back and releases the claim. */
  release(how?: ReleaseOptions): Promise<FinishResult>;
  /** Gives up the claim and leaves the job as it is: an orphan, in state `r` without presence. Comes with `Queue.adopt`. */
  abandon?(): Promise<void>;
}

/** The result of setting states. */
export interface SetResult {
  /** How many jobs were chosen. */
  readonly matched: number;
  /** How many jobs this call brought into the wanted state. */
  readonly changed: number;
  /** Chosen jobs left alone because their holder is present. */
  readonly running: readonly Job[];
}

/** How one user of a queue fared in competition with others. */
export interface ClaimStatistics {
  /** Jobs claimed. */
  readonly won: number;
  /** Tries that another runner had beaten: the known states were out of date. */
  readonly lost: number;
  /** Tries that found the line locked by another runner. */
  readonly busy: number;
}

/** What a kind of queue can and cannot do. */
export interface Capabilities {
  /** Whether running jobs can be told from orphans. */
  readonly presence: boolean;
  /**
   * Presence may return within this many ms, after an editor has saved the file, or a network or a server was away: `reclaim` sets back
   * only jobs that it has seen orphaned for that long, over several calls. Absent if one look is enough.
   */
  readonly presenceReturns?: number;
  /** Programs that may work on the queue without ever showing presence, in the plural; older runners by default. */
  readonly silent?: string | undefined;
  /** A queue without jobs is no error: other content shows that it is a queue. */
  readonly mayBeEmpty?: true;
  /** Jobs can only be claimed and finished: the queue answers no other question. Every other call is refused. */
  readonly claimsOnly?: true;
}

/** A list of jobs and their states, shared by any number of runners. */
export interface Queue {
  /** The user's name for it: a path or a URL. */
  readonly name: string;
  /** Its name everywhere on this host: an absolute path or a URL. */
  readonly address: string;
  readonly capabilities: Capabilities;
  /** So far. */
  readonly claims: ClaimStatistics;
  /** Claims the first job that is ready and fits. */
  claim(request: ClaimRequest): Promise<ClaimResult>;
  /** The chosen jobs, in order, in batches (of a size that suits the queue). All jobs when nothing is chosen. */
  jobs(selection?: Selection): AsyncIterable<readonly Job[]>;
  /**
   * The chosen jobs in the form of `jobLine`, in buffers that are borrowed until the next one is requested. Absent if that is no faster
   * than printing the result of `jobs`.
   */
  text?(selection: Selection): AsyncIterable<Buffer>;
  /** The jobs that would run, in order, if each succeeded. Changes nothing. */
  plan(request: ClaimRequest): AsyncIterable<readonly Job[]>;
  /** `known`: from what is already known, where a fresh answer is expensive or slow. */
  counts(options?: { readonly known?: boolean }): Promise<Counts>;
  /**
   * Sets the state of the chosen jobs, each under its lock. Leaves running jobs alone unless `force` is given. Where presence may return,
   * this takes as long as that for jobs that seem orphaned.
   */
  set(selection: Selection, state: State, options?: SetOptions): Promise<SetResult>;
  /** Appends jobs in the given state, `.` by default: all of them or none. `BARRIER_LINE` among the commands is a barrier. */
  append(commands: readonly Buffer[], options?: { state?: State }): Promise<void>;
  /**
   * Sets orphans back to `.` and returns them. `tell` learns if it takes time to be sure that holders are dead; without it, the next
   * claim's `tell` does.
   */
  reclaim(request?: ReclaimRequest): Promise<readonly Job[]>;
  /**
   * Takes over the claims of jobs in state `r` without presence: for a restarted server, whose clients may come back, and for a runner that
   * attaches to an earlier runner's jobs. Queues with this method can be served to others.
   * @param selection only these; all of them by default
   */
  adopt?(selection?: Selection): Promise<readonly Claim[]>;
  /** Line numbers of the barriers, ascending. Absent if the queue cannot tell. */
  barriers?(): Promise<readonly number[]>;
  /**
   * Grows with every change noticed by any look, and when it is time to repeat a claim that failed for a reason which no change ends, such
   * as another runner's lock. Read it before a call, and pass it to `changed` afterwards.
   */
  readonly seen: number;
  /** Waits until `seen` exceeds `since` (its current value by default); rejects when `signal` is aborted. */
  changed(signal: AbortSignal, since?: number): Promise<void>;
  /** Changes whenever line numbers may have changed their meaning. Absent if the queue cannot tell. */
  readonly layout?: string | undefined;
  close(): Promise<void>;
}

/** Ways to lock a file: byte ranges, the whole file, a folder beside it. */
export const LOCK_DRIVERS = ['record', 'file', 'directory'] as const;
export type LockDriverName = (typeof LOCK_DRIVERS)[number];

/**
 * How to open a queue. Times in ms. Options that do not apply to its kind are refused; src/queue/kinds.ts lists the options of each kind.
 */
export interface OpenOptions extends FileOptions, ServerOptions, GitOptions {
  /** How long to keep trying while the queue cannot be reached; a minute by default. */
  readonly patience?: number | undefined;
  /** For appending: a queue.csv over git may be missing, and the first append creates it. */
  readonly create?: boolean | undefined;
}

/** Options for files. */
export interface FileOptions {
  /** The lock driver. All runners of one file must use the same one. `record` by default. */
  readonly locks?: LockDriverName | undefined;
  /** Work even where the filesystem's locks are known not to exclude other hosts. */
  readonly unsafeLocks?: boolean | undefined;
  /** Do not warn about a file that every user of the host may write, and thereby run commands. */
  readonly trustAny?: boolean | undefined;
}

/** Options for servers. */
export interface ServerOptions {
  /** The secret that the server and its clients share. */
  readonly token?: string | undefined;
}

/** Options for queues over git. Absent ones come from the environment, or have a default. */
export interface GitOptions {
  /** How long a claim holds without a sign of life from its runner; 10 minutes by default. */
  readonly lease?: number | undefined;
  /** The path of the queue's file in the repository, if its name has no `#`. JOBS_QUEUE_FILE. */
  readonly queueFile?: string | undefined;
  /** Between two looks; 5 s by default. SLEEP_TIME, in seconds. */
  readonly sleep?: number | undefined;
  /** A folder of the repository: jobs run in a checkout, and their files in it are committed with their state. RESULTS_DIR. */
  readonly resultsDir?: string | undefined;
  /** Attempts, over all runners, before a job counts as failed; 1 by default. MAX_JOB_ATTEMPTS. */
  readonly maxJobAttempts?: number | undefined;
}
