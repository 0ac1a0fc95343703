/** The plain protocol of runmaker4, for its clients: one request a connection. */

import type { Socket } from 'node:net';
import {
  ACK,
  INVALID_CMD,
  INVALID_TOKEN,
  isCompleteRequest,
  type LegacyRequest,
  type LegacyState,
  MOST_READ,
  parseLegacyRequest,
  printLegacyJob,
} from '../../../compat/runmaker4/plain-protocol.js';
import { reason } from '../../../errors.js';
import { asLine, type LineJob } from '../../../job/job.js';
import { type FinalState, State } from '../../../job/state.js';
import type { Claim, Queue, QueueNotice } from '../../../queue/queue.js';
import { isSameToken } from '../../../wire/token.js';
import type { ServerLog } from '../../log.js';
import { type AuthThrottle, addressOf } from '../connections/auth-throttle.js';
import type { ChangeNotifier } from '../notification/change-notifier.js';
import type { RetryFilter } from '../requests/retry-filter.js';
import type { LegacyClaims } from './legacy-claims.js';
import { readText } from './read-text.js';

/** How long a client may take to close its end, in ms. */
const PATIENCE = 10_000;
/** Jobs that one request passes over because their commands are too long. */
const MOST_PASSED_OVER = 1000;

/** What the handler works with. */
export interface LegacyContext {
  readonly queue: Queue;
  readonly claims: LegacyClaims;
  readonly retries: RetryFilter;
  readonly changes: ChangeNotifier;
  readonly throttle: AuthThrottle;
  readonly token: string;
  readonly notifyOwner: (notice: QueueNotice) => void;
  readonly log: ServerLog;
}

/** Answers clients of runmaker4. They show no presence: what they have claimed is theirs until they report how it ended. */
export class LegacyHandler {
  /** How jobs have ended: a client that did not get the answer may report it once more. */
  private readonly ended = new Map<number, LegacyState>();
  private hasPassedOver = false;

  constructor(private readonly context: LegacyContext) {}

  async serve(socket: Socket): Promise<void> {
    const { throttle, token, log } = this.context;
    const text = await readText(socket, heard => isCompleteRequest(heard, given => isSameToken(given, token)));
    const request = text === undefined ? undefined : parseLegacyRequest(text);
    try {
      if (request === undefined) {
        if (text !== undefined) throttle.failed(socket, 'asked for something that the older protocol does not know');
        socket.write(INVALID_CMD);
      } else if (!isSameToken(request.token, token)) {
        throttle.failed(socket, 'wrong token');
        socket.write(INVALID_TOKEN);
      } else {
        throttle.proved(socket);
        if (request.kind === 'get') await this.give(socket);
        else socket.write((await this.take(request, addressOf(socket))) ? ACK : INVALID_CMD);
      }
    } catch (error) {
      log.warn(`${addressOf(socket)}: ${reason(error)}`);
    } finally {
      socket.end();
      setTimeout(() => socket.destroy(), PATIENCE).unref();
    }
  }

  private async give(socket: Socket): Promise<void> {
    const { claims, changes, log } = this.context;
    const claim = await this.claim();
    if (claim === undefined) {
      socket.write(printLegacyJob(undefined));
      return;
    }
    const { command, id } = claim.job;
    const number = claims.offer(claim);
    const heard = readText(socket, () => true);
    socket.write(printLegacyJob({ number, command }));
    if ((await heard) === undefined) {
      claims.withdraw(number);
      await claim.release({ unrun: true });
      return;
    }
    claims.keep(number, claim);
    this.ended.delete(number);
    changes.note();
    log.detail(() => `${addressOf(socket)} has claimed line ${id}: ${command}`);
  }

  /** Claims a job that the client can read whole: it would run the first half of a longer one. */
  private async claim(): Promise<Claim | undefined> {
    const { queue, retries, notifyOwner } = this.context;
    const passedOver: Claim[] = [];
    try {
      while (passedOver.length < MOST_PASSED_OVER) {
        const result = await queue.claim({ ...retries.options(), asker: this, tell: notifyOwner });
        if (result.kind !== 'claimed') return undefined;
        const { job } = result.claim;
        if (printLegacyJob({ number: asLine(job).ordinal, command: job.command }).length <= MOST_READ) return result.claim;
        passedOver.push(result.claim);
      }
      return undefined;
    } finally {
      for (const claim of passedOver) await claim.release({ unrun: true });
      if (passedOver.length > 0) this.warnOfLongCommand(passedOver[0] as Claim);
    }
  }

  private warnOfLongCommand({ job }: Claim): void {
    if (this.hasPassedOver) return;
    this.hasPassedOver = true;
    this.context.log.warn(
      `line ${job.id}: clients of runmaker4 read ${MOST_READ} bytes of a command and would run half of this one: it is left for others`,
    );
  }

  /** Whether the client's report was taken. */
  private async take({ number, state }: Extract<LegacyRequest, { kind: 'set' }>, peer: string): Promise<boolean> {
    const { claims, retries, changes, log } = this.context;
    const claim = claims.take(number);
    if (claim && state === State.running) {
      claims.keep(number, claim);
      return true;
    }
    const isTaken = claim
      ? (await claim.finish({ state: state as FinalState })).kind === 'recorded'
      : await this.takeUnclaimed(number, state);
    if (!isTaken) {
      log.warn(`${peer}: that job ${number} is "${state}" was not taken: it is not that client's`);
      return false;
    }
    this.ended.set(number, state);
    if (claim) retries.note(claim.job.id, state);
    changes.note();
    log.detail(() => `${peer} has set job ${number} to "${state}"`);
    return true;
  }

  /** The end of a job that this server has not given out: it was reported before, or the server has been started again since. */
  private async takeUnclaimed(number: number, state: LegacyState): Promise<boolean> {
    if (this.ended.get(number) === state) return true;
    const job = await this.jobOf(number);
    if (job === undefined || job.holder === 'present') return false;
    if (job.state !== State.running && job.state !== State.claimed) return false;
    const { changed, running } = await this.context.queue.set({ offsets: [job.offset], states: [job.state] }, state);
    return running.length === 0 && (changed === 1 || state === job.state);
  }

  private async jobOf(number: number): Promise<LineJob | undefined> {
    for await (const jobs of this.context.queue.jobs()) {
      const found = jobs.map(asLine).find(({ ordinal }) => ordinal === number);
      if (found) return found;
    }
    return undefined;
  }
}
