import { setTimeout } from 'node:timers/promises';
import { ACK, INVALID_CMD, INVALID_TOKEN, type LegacyState, parseLegacyJob } from '../../compat/runmaker4/plain-protocol.js';
import { errnoName, RunmakerError } from '../../errors.js';
import { NO_DIRECTIVES, parseDirectives } from '../../job/directives.js';
import type { Job, LineJob } from '../../job/job.js';
import type { JobOutcome } from '../../job/outcome.js';
import { State } from '../../job/state.js';
import type { Claim, ClaimRequest, ClaimResult, FinishResult, Queue } from '../queue.js';
import { exchange, type Server } from './exchange.js';

/** How long the server may be out of reach, in ms, once it was there. */
const DEFAULT_PATIENCE = 60_000;
const RETRY_PAUSE = 500;
/** Nobody tells when there is something new: so often, in ms, it is asked again. */
const POLL_INTERVAL = 5000;

/** What an older server has for its clients: one job after the other, and a place for each result. Nothing else can be asked. */
export class LegacyQueue implements Queue {
  readonly capabilities = { presence: false, claimsOnly: true } as const;
  seen = 0;
  private won = 0;

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

  async claim({ signal }: ClaimRequest): Promise<ClaimResult> {
    signal?.throwIfAborted();
    // Until it was there once a server is not waited for. A GET that failed half-way is made again: the server has not heard that its job arrived.
    const line = await this.patiently(() => exchange(this.server, { kind: 'get', token: this.token }), this.won > 0, signal);
    const answer = parseLegacyJob(line);
    if (answer.kind === 'other') throw this.refusal(answer.text);
    if (answer.kind === 'none') return { kind: 'exhausted' };
    this.won++;
    if (!(await this.report(answer.number, State.running))) throw this.refusal(INVALID_CMD);
    return { kind: 'claimed', claim: new LegacyClaim(this, jobOf(answer)) };
  }

  /**
   * Says what state a job is in. False when the server does not take it.
   * @throws RunmakerError when the server cannot be reached, or makes no sense
   */
  async report(number: number, state: LegacyState): Promise<boolean> {
    const line = await this.patiently(() => exchange(this.server, { kind: 'set', token: this.token, number, state }), true);
    const text = line.toString().trim();
    if (text !== ACK && text !== INVALID_CMD) throw this.refusal(text);
    return text === ACK;
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
    await setTimeout(POLL_INTERVAL, undefined, { signal });
    this.seen++;
  }

  async close(): Promise<void> {
    // Every exchange has a connection of its own.
  }

  private async patiently(work: () => Promise<Buffer>, wasThere: boolean, signal?: AbortSignal): Promise<Buffer> {
    const end = performance.now() + (wasThere ? this.patience : 0);
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (performance.now() >= end) throw this.unreachable(error);
        await setTimeout(RETRY_PAUSE, undefined, signal ? { signal } : {});
      }
    }
  }

  private unreachable(cause: unknown): RunmakerError {
    const message = errnoName(cause) === 'ECONNREFUSED' ? 'nobody listens there' : cause instanceof Error ? cause.message : String(cause);
    const hint = [undefined, 'ECONNRESET', 'EPIPE'].includes(errnoName(cause))
      ? 'a runmaker-server answers here only with --legacy: start it so, or write tcp://'
      : 'see whether the server is up and can be reached';
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

/** A job of an older server. */
class LegacyClaim implements Claim {
  private isConcluded = false;

  constructor(
    private readonly queue: LegacyQueue,
    readonly job: LineJob,
  ) {}

  async finish({ state }: Pick<JobOutcome, 'state'>): Promise<FinishResult> {
    if (this.isConcluded) return { kind: 'refused', reason: 'the claim was given up before' };
    this.isConcluded = true;
    if (await this.queue.report(this.job.ordinal, state)) return { kind: 'recorded' };
    return { kind: 'refused', reason: 'the server did not take it: somebody else has set the job, or its line was changed' };
  }

  async release(): Promise<FinishResult> {
    const result = await this.finish({ state: State.error });
    if (result.kind === 'refused') return result;
    return { kind: 'refused', reason: 'a server of runmaker4 takes no job back: it was set to "e"' };
  }
}

/** The server did not look at what the job needs, and neither may we: the job is ours already. */
function jobOf({ number, command }: { number: number; command: Buffer }): LineJob {
  const { directives } = parseDirectives(command);
  const place = { id: String(number), number, ordinal: number, offset: 0 };
  return { ...place, state: State.new, command, directives: { ...directives, needs: NO_DIRECTIVES.needs } };
}
