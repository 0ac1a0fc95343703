/** The client of runmaker4's server: requests of one connection each, one after the other. */

import { Semaphore } from '../../async/semaphore.js';
import { pause } from '../../async/timer.js';
import {
  ACK,
  INVALID_CMD,
  INVALID_TOKEN,
  type LegacyRequest,
  type LegacyState,
  parseLegacyJob,
} from '../../compat/runmaker4/plain-protocol.js';
import { errnoName, RunmakerError } from '../../errors.js';
import type { Job } from '../../job/job.js';
import { type FinalState, State } from '../../job/state.js';
import type { ClaimRequest, ClaimResult, Queue } from '../queue.js';
import { CutShortError, exchange, type Server } from './exchange.js';
import { type ClaimReporter, LegacyClaim } from './legacy-claim.js';
import { type GivenJob, RetriedJobs } from './retried-jobs.js';

/** How long the server may be unreachable, in ms, after a first success. */
const DEFAULT_PATIENCE = 60_000;
const RETRY_PAUSE = 500;
/** The server does not announce new jobs: it is polled at this interval, in ms. */
const POLL_INTERVAL = 5000;

/** The jobs of a runmaker4 server, one after the other, and a place for each result. The server answers no other question. */
export class LegacyQueue implements Queue, ClaimReporter {
  readonly capabilities = { presence: false, claimsOnly: true } as const;
  seen = 0;
  private won = 0;
  private readonly retried = new RetriedJobs();
  /** The server serves one connection at a time, so this client uses one. */
  private readonly turn = new Semaphore(1);
  private tell: ClaimRequest['tell'];

  constructor(
    readonly name: string,
    readonly address: string,
    private readonly server: Server,
    private readonly token: string,
    private readonly patience = DEFAULT_PATIENCE,
  ) {}

  get claims(): { won: number; lost: number; busy: number } {
    return { won: this.won, lost: 0, busy: 0 };
  }

  async claim({ signal, tell }: ClaimRequest): Promise<ClaimResult> {
    this.tell = tell;
    for (;;) {
      signal?.throwIfAborted();
      const job = await this.get(signal);
      if (job === undefined) {
        await this.putBack();
        return { kind: 'exhausted' };
      }
      this.won++;
      if (!(await this.report(job.number, State.running))) throw this.refusal(INVALID_CMD);
      if (!this.retried.hasFailed(job)) return { kind: 'claimed', claim: new LegacyClaim(this, job) };
      if (!this.retried.setAside(job)) {
        throw new RunmakerError('queue', `${this.name}: the server gave out job ${job.number} although it runs`, {
          hint: 'see whether another program changes the states of the file, or another server serves it',
        });
      }
      tell?.({
        kind: 'news',
        message: `${this.name}: the server gives out job ${job.number} again, which has failed here: it is left to other runners`,
        hint: 'to run it here again, start the runner again',
      });
    }
  }

  async report(number: number, state: LegacyState): Promise<boolean> {
    const answer = await this.ask({ kind: 'set', token: this.token, number, state }, true);
    const text = answer.toString().trim();
    if (text !== ACK && text !== INVALID_CMD) throw this.refusal(text);
    return text === ACK;
  }

  ended(job: GivenJob, state: FinalState): void {
    this.retried.note(job, state);
  }

  // biome-ignore lint/correctness/useYield: there is nothing to list
  async *jobs(): AsyncGenerator<readonly Job[]> {
    throw this.impossible();
  }

  // biome-ignore lint/correctness/useYield: there is nothing to list
  async *plan(): AsyncGenerator<readonly Job[]> {
    throw this.impossible();
  }

  counts(): Promise<never> {
    return Promise.reject(this.impossible());
  }

  set(): Promise<never> {
    return Promise.reject(this.impossible());
  }

  append(): Promise<never> {
    return Promise.reject(this.impossible());
  }

  reclaim(): Promise<never> {
    return Promise.reject(this.impossible());
  }

  async changed(signal: AbortSignal, since = this.seen): Promise<void> {
    signal.throwIfAborted();
    if (this.seen !== since) return;
    await pause(POLL_INTERVAL, signal);
    this.seen++;
  }

  async close(): Promise<void> {
    await this.putBack();
  }

  /** Requests a job; undefined when there is none. */
  private async get(signal: AbortSignal | undefined): Promise<GivenJob | undefined> {
    // Only a server that was there before is waited for. A GET that failed halfway is repeated: the server has seen no acknowledgement.
    const answer = parseLegacyJob(await this.ask({ kind: 'get', token: this.token }, this.won > 0, signal));
    if (answer.kind === 'other') throw this.refusal(answer.text);
    return answer.kind === 'none' ? undefined : answer;
  }

  /** Restores the states of the jobs that were set aside. */
  private async putBack(): Promise<void> {
    for (const [number, state] of this.retried.takeAside()) await this.report(number, state);
  }

  private async ask(request: LegacyRequest, wasThere: boolean, signal?: AbortSignal): Promise<Buffer> {
    const end = performance.now() + (wasThere ? this.patience : 0);
    for (;;) {
      try {
        return await this.turn.run(() => exchange(this.server, request));
      } catch (error) {
        if (request.kind === 'get' && error instanceof CutShortError) this.tellOfLostJob(error);
        if (performance.now() >= end) throw this.unreachable(error);
        await pause(RETRY_PAUSE, signal);
      }
    }
  }

  private tellOfLostJob({ heard }: CutShortError): void {
    const answer = parseLegacyJob(heard);
    if (answer.kind !== 'job') return;
    this.tell?.({
      kind: 'news',
      message: `${this.name}: only a part of job ${answer.number} has come: it was not run, and may be "?" on the server from now on`,
      hint: 'if it stays "?", set it back on the host of the server',
    });
  }

  private unreachable(cause: unknown): RunmakerError {
    const message =
      errnoName(cause) === 'ECONNREFUSED' ? 'no server listens there' : cause instanceof Error ? cause.message : String(cause);
    const hint = [undefined, 'ECONNRESET', 'EPIPE'].includes(errnoName(cause))
      ? 'a runmaker-server answers here only with --legacy: start it so, or write tcp://'
      : 'check that the server is up and can be reached';
    return new RunmakerError('queue', `${this.name}: ${message}`, { hint, cause });
  }

  private refusal(text: string): RunmakerError {
    if (text === INVALID_TOKEN) {
      return new RunmakerError('input', `${this.name}: the token is not that of the server`, {
        hint: 'pass the one that the server printed',
      });
    }
    return new RunmakerError('queue', `${this.name}: the server answered ${JSON.stringify(text)}`, {
      hint: 'make sure that a server of runmaker4 listens there, or a runmaker-server --legacy',
    });
  }

  private impossible(): RunmakerError {
    return new RunmakerError('usage', `${this.name}: a server of runmaker4 gives out jobs and takes results, and nothing else`, {
      hint: 'look at the runs file on the host of the server',
    });
  }
}
