/**
 * The contract of a queue: where jobs and their states live.
 *
 * **claim**: the exclusive right to run one job, from `.` to its final state ·
 * **presence**: proof that the holder of a claim is still alive ·
 * **orphan**: a job in state `r` (or `?`) with nobody present ·
 * **reclaim**: setting orphans back to `.` ·
 * **blocked**: a new job that can never run, because what it waits for failed or is held.
 *
 * test/conformance/ says what every queue must do; a queue is done when it passes.
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
  /** Ids of the jobs that this runner has run already, so that `retry` takes each at most once; see `Queue.layout`. */
  readonly tried?: ReadonlySet<string>;
  /** What is free now. A job that needs more is passed over. Absent: everything fits. */
  readonly free?: Needs;
  /** What the runner has in all. A job that needs more is passed over for good. */
  readonly capacity?: Needs;
  /**
   * How many jobs the asker could take now, one after the other; 1 by default. Where a claim costs much, so many may be claimed at
   * once and handed out one by one. Like `free` it may grow while the claim is under way: read it when it counts.
   */
  readonly slots?: number;
  /** Is told what the user should know, each thing once. */
  readonly tell?: (notice: QueueNotice) => void;
  /** Who asks, where one handle serves many: each of them is told everything once. */
  readonly asker?: object;
  readonly signal?: AbortSignal;
}

/** Something about a queue that its user should know. */
export type QueueNotice =
  /** The job is left alone by everybody: its line says something that cannot be read or can never come true. */
  | { readonly kind: 'unusable'; readonly line: number; readonly column: number; readonly message: string }
  /** Everybody on the host may write the queue, and so have commands run as whoever works it. */
  | { readonly kind: 'writable'; readonly name: string }
  /** The job needs more than this asker has in all. */
  | { readonly kind: 'tooBig'; readonly line: number; readonly needs: Needs }
  /** Anything else, in words. */
  | { readonly kind: 'news'; readonly message: string; readonly hint: string };

/** Who asks for orphans to be set back. */
export type ReclaimRequest = Pick<ClaimRequest, 'tell' | 'signal'>;

/** How states are to be set. */
export interface SetOptions {
  /** Also those of jobs that somebody is running. */
  readonly force?: boolean;
  readonly tell?: ClaimRequest['tell'];
}

/** What came of asking for a job. */
export type ClaimResult =
  | { readonly kind: 'claimed'; readonly claim: Claim }
  /** Nothing now, but something may become claimable: when `room` is freed, or when jobs that run elsewhere end. */
  | { readonly kind: 'waiting'; readonly for: 'room' | 'others' }
  /** Nothing is claimable and nothing can become so. */
  | { readonly kind: 'exhausted' };

/** What came of writing a job's final state. */
export type FinishResult =
  /**
   * `state`: the one that was written, when it is not the one that was asked for: the job is to be tried again by whoever takes it.
   * `incomplete`: not all files that the job has left were taken; where they stay was told.
   */
  | { readonly kind: 'recorded'; readonly state?: FinalState | typeof State.new; readonly incomplete?: true }
  /** The line is no longer the one that was claimed; nothing was written. */
  | { readonly kind: 'refused'; readonly reason: string };

/** How a job is put back. */
export interface ReleaseOptions {
  /** It was not run: one that was claimed to be tried again is `!` or `e` as before. All others become `.`. */
  readonly unrun?: boolean;
}

/** The exclusive right to run one job. Ends with `finish`, `release` or `abandon`, whichever comes first. */
export interface Claim {
  readonly job: Job;
  /** A descriptor that the job's process should inherit: the claim then counts as held for as long as the runner or the job lives. */
  readonly presence?: number | undefined;
  /** Keeps the descriptor that `presence` names now open, wherever presence may be shown from now on, until what is returned is called. */
  holdPresence?(): () => void;
  /** Where the job is to run, as an absolute path, when the queue brings its files along; else wherever the runner runs its jobs. */
  readonly directory?: string | undefined;
  /** What the job is to find in its environment. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** What a scheduler has given the job; the runner takes it as given. */
  readonly share?: Share | undefined;
  /** What an earlier runner has noted of where the job runs; see `note`. */
  readonly handle?: string | undefined;
  /** Keeps with the claim where the job runs, so that a later runner can attach to it. Absent where a queue cannot keep it. */
  note?(handle: string): Promise<void>;
  /** Writes the job's final state and gives up the claim. */
  finish(outcome: JobOutcome): Promise<FinishResult>;
  /** Puts the job back and gives up the claim. */
  release(how?: ReleaseOptions): Promise<FinishResult>;
  /** Gives up the claim and leaves the job as it is: an orphan, in state `r` with nobody present. Goes with `Queue.adopt`. */
  abandon?(): Promise<void>;
}

/** What came of setting states. */
export interface SetResult {
  /** How many jobs were chosen. */
  readonly matched: number;
  /** How many jobs are in the wanted state now because of this call. */
  readonly changed: number;
  /** Chosen jobs that were left alone because somebody is present. */
  readonly running: readonly Job[];
}

/** How one user of a queue fared against the others. */
export interface ClaimStatistics {
  /** Jobs claimed. */
  readonly won: number;
  /** Tries that found somebody else had been there: the states that were known were out of date. */
  readonly lost: number;
  /** Tries that found somebody else at the line at that moment. */
  readonly busy: number;
}

/** What a kind of queue can and cannot do. */
export interface Capabilities {
  /** Whether running jobs can be told from orphans. */
  readonly presence: boolean;
  /**
   * Somebody who is not present may be so again within so many ms, after an editor has saved the file, or a network or a server was
   * away: `reclaim` sets back only what it has seen orphaned for so long, call after call. Absent where one look is enough.
   */
  readonly presenceReturns?: number;
  /** Who may work on the queue and never shows presence, in the plural; older runners where nothing is said. */
  readonly silent?: string | undefined;
  /** A queue without jobs is no mistake: what is there shows that it is a queue. */
  readonly mayBeEmpty?: true;
  /** Jobs can be claimed and finished, and that is all: nobody can ask what else there is. Every other call is refused. */
  readonly claimsOnly?: true;
}

/** A list of jobs and their states that any number of runners share. */
export interface Queue {
  /** As the user named it: a path or a URL. */
  readonly name: string;
  /** Names the queue from anywhere on this host: an absolute path or a URL. */
  readonly address: string;
  readonly capabilities: Capabilities;
  /** So far. */
  readonly claims: ClaimStatistics;
  /** Claims the first job that is ready and fits. */
  claim(request: ClaimRequest): Promise<ClaimResult>;
  /** The chosen jobs, in order, in batches (of a size that suits the queue). All jobs when nothing is chosen. */
  jobs(selection?: Selection): AsyncIterable<readonly Job[]>;
  /**
   * The chosen jobs as `jobLine` prints them, in buffers that are only lent until the next one is asked for. Absent where
   * that is no faster than to print what `jobs` gives.
   */
  text?(selection: Selection): AsyncIterable<Buffer>;
  /** The jobs that would be run, in that order, if each succeeded. Changes nothing. */
  plan(request: ClaimRequest): AsyncIterable<readonly Job[]>;
  /** `known`: as far as it is known already, when asking anew costs much, or takes time. */
  counts(options?: { readonly known?: boolean }): Promise<Counts>;
  /**
   * Sets the state of the chosen jobs, each under its lock. Jobs that somebody runs are left alone unless `force` is given. Where presence
   * may return, this takes as long as that for jobs that seem to be orphaned.
   */
  set(selection: Selection, state: State, options?: SetOptions): Promise<SetResult>;
  /** Appends jobs in the given state, `.` by default: all of them or none. `BARRIER_LINE` among the commands is a barrier. */
  append(commands: readonly Buffer[], options?: { state?: State }): Promise<void>;
  /**
   * Sets orphans back to `.` and names them. `tell` is told when it takes time until others show to be dead; without it the next claim's
   * `tell` is.
   */
  reclaim(request?: ReclaimRequest): Promise<readonly Job[]>;
  /**
   * Takes up the claims of jobs in state `r` at which nobody shows to be present: for a server that was started again, whose clients may
   * come back, and for a runner that attaches to what an earlier one has started. Queues that have it can be served to others.
   * @param selection only these; all of them by default
   */
  adopt?(selection?: Selection): Promise<readonly Claim[]>;
  /** Line numbers of the barriers, ascending. Absent where that cannot be told. */
  barriers?(): Promise<readonly number[]>;
  /**
   * Grows with every change that is noticed, whoever looked, and when it is time to try a claim again that came to nothing for a reason
   * that no change ends, such as somebody else's lock. Take it before a call, and hand it to `changed` after.
   */
  readonly seen: number;
  /** Waits until more is seen than `since` (what is seen now, by default); rejects when `signal` is aborted. */
  changed(signal: AbortSignal, since?: number): Promise<void>;
  /** Another one whenever line numbers may have come to mean something else. Absent where that cannot be told. */
  readonly layout?: string | undefined;
  close(): Promise<void>;
}

/** Ways to lock a file: byte ranges, the whole file, a folder beside it. */
export const LOCK_DRIVERS = ['record', 'file', 'directory'] as const;
export type LockDriverName = (typeof LOCK_DRIVERS)[number];

/** How to open a queue. Times in ms. Options that mean nothing to its kind are refused; src/queue/kinds.ts says which are whose. */
export interface OpenOptions extends FileOptions, ServerOptions, GitOptions {
  /** How long to keep trying while the queue cannot be reached; a minute by default. */
  readonly patience?: number | undefined;
  /** For those who append: a queue.csv over git may be missing, and is created by the first append. */
  readonly create?: boolean | undefined;
}

/** How a file is worked on. */
export interface FileOptions {
  /** How it is locked. All runners of one file must use the same driver. `record` by default. */
  readonly locks?: LockDriverName | undefined;
  /** Work even where the filesystem's locks are known to keep no other host out. */
  readonly unsafeLocks?: boolean | undefined;
  /** Say nothing about a file that everybody on the host may write, and so may have commands run. */
  readonly trustAny?: boolean | undefined;
}

/** How a server is reached. */
export interface ServerOptions {
  /** The secret that the server and its clients share. */
  readonly token?: string | undefined;
}

/** How a queue over git is worked on. What is absent is taken from the environment, or has a default. */
export interface GitOptions {
  /** How long a claim holds when its runner gives no sign of life; 10 minutes by default. */
  readonly lease?: number | undefined;
  /** The path of the queue's file in the repository, where its name has no `#`. JOBS_QUEUE_FILE. */
  readonly queueFile?: string | undefined;
  /** Between two looks; 5 s by default. SLEEP_TIME, in seconds. */
  readonly sleep?: number | undefined;
  /** A folder of the repository: jobs run in a checkout, and what they leave in it is committed with their state. RESULTS_DIR. */
  readonly resultsDir?: string | undefined;
  /** How often a job is run before it counts as failed, by whichever runners; 1 by default. MAX_JOB_ATTEMPTS. */
  readonly maxJobAttempts?: number | undefined;
}
