import { RunmakerError } from '../../../errors.js';
import { fits } from '../../../job/needs.js';
import { State } from '../../../job/state.js';
import { Advice, noticesOf } from '../../advice.js';
import type { ClaimRequest, ClaimResult } from '../../queue.js';
import type { Connection, Reply } from '../connection/connection.js';
import { jobOf, linesOf } from '../lines/line-text.js';
import type { Mirror } from '../lines/mirror.js';
import { monotonicNow, type Presence } from '../presence/presence.js';
import { CLAIM } from '../scripts/claim.js';
import { choose, type Range } from './choose.js';
import { type ClaimParts, RedisClaim } from './redis-claim.js';

/** Jobs requested beyond those wanted, in case others take some first; doubled each time that this was too few. */
const SPARE_CHOICES = 8;
/** After losing this many tries to others, something is wrong. */
const MOST_TRIES = 1000;

/** What a claimer needs from its queue. */
export interface ClaimerParts extends ClaimParts {
  readonly connection: Connection;
  readonly mirror: Mirror;
  /** The lease to claim under; a new one after a loss. */
  readonly presence: () => Presence;
  /** Receives each seq seen. */
  readonly noted: (seq: number) => Promise<void>;
  /** Asks Redis which queue this is; throws if it is another one than before. */
  readonly check: () => Promise<void>;
}

interface Asker {
  readonly request: ClaimRequest;
  resolve(result: ClaimResult): void;
  reject(error: unknown): void;
}

type Outcome = 'taken' | 'nothing' | 'marked' | 'stale';

/** Claims for all askers of one handle: the next call serves together those that ask while a call is in progress. */
export class Claimer {
  won = 0;
  lost = 0;
  private readonly askers: Asker[] = [];
  private isServing = false;
  /** Claimed together with another job, and not handed out yet. */
  private readonly spares: RedisClaim[] = [];
  private readonly advice = new Advice();
  private readonly adviceFor = new WeakMap<object, Advice>();
  private readonly watched = new WeakSet<AbortSignal>();
  /** Whether every line is a job without directives, so that Redis alone can choose. */
  private isPlain = true;
  /** The result of the last choice that found nothing, and its basis. */
  private fruitless: { readonly of: string; readonly result: ClaimResult } | undefined;
  private ops = 0;

  constructor(private readonly parts: ClaimerParts) {}

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    request.signal?.throwIfAborted();
    this.giveBackAfter(request.signal);
    const spare = this.takeSpare(request);
    if (spare) return this.handOut(spare);
    return await new Promise((resolve, reject) => {
      this.askers.push({ request, resolve, reject });
      if (!this.isServing) void this.serve();
    });
  }

  /** Puts back jobs that were claimed and not handed out. */
  async giveBack(): Promise<void> {
    await Promise.all(this.spares.splice(0).map(claim => claim.release({ unrun: true })));
  }

  private async serve(): Promise<void> {
    this.isServing = true;
    // Serves together all that ask in the same turn.
    await Promise.resolve();
    for (let asker = this.askers.shift(); asker; asker = this.askers.shift()) {
      try {
        await this.serveOne(asker);
      } catch (error) {
        asker.reject(error);
      }
    }
    this.isServing = false;
  }

  private async serveOne({ request, resolve }: Asker): Promise<void> {
    request.signal?.throwIfAborted();
    let spare = this.takeSpare(request);
    if (!spare) {
      const result = this.isPlain && !request.retry ? await this.claimPlain(request) : await this.claimChosen(request);
      if (result) return resolve(result);
      spare = this.takeSpare(request);
    }
    resolve(spare ? this.handOut(spare) : { kind: 'waiting', for: 'others' });
    // The other askers that wanted no more than that.
    for (let at = 0; at < this.askers.length && this.spares.length > 0; ) {
      const asker = this.askers[at] as Asker;
      const next = this.takeSpare(asker.request);
      if (!next) at++;
      else {
        this.askers.splice(at, 1);
        asker.resolve(this.handOut(next));
      }
    }
  }

  private handOut(claim: RedisClaim): ClaimResult {
    this.won++;
    return { kind: 'claimed', claim };
  }

  /** Undefined when there are spares now. */
  private async claimPlain(request: ClaimRequest): Promise<ClaimResult | undefined> {
    const wanted = Math.max(request.slots ?? 1, this.askers.length + 1);
    const all: Range = { from: 1, to: Number.MAX_SAFE_INTEGER, state: State.new };
    const outcome = await this.take('', wanted, [all], request.signal);
    if (outcome === 'taken') return undefined;
    if (outcome === 'nothing') return { kind: 'exhausted' };
    this.isPlain = false;
    return await this.claimChosen(request);
  }

  private async claimChosen(request: ClaimRequest): Promise<ClaimResult | undefined> {
    const { mirror } = this.parts;
    // Waiting askers share what this one requests, unless it must fit this one's room.
    const wanted = Math.max(request.slots ?? 1, request.free === undefined ? this.askers.length + 1 : 1);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      await mirror.look(request.signal);
      if (request.tell) this.adviceOf(request).give(noticesOf(mirror.board, request), request.tell);
      const asked = askedFor(mirror, request);
      if (this.fruitless?.of === asked) return this.fruitless.result;
      const choice = choose(mirror, request, wanted + SPARE_CHOICES * 2 ** Math.min(tries, 6));
      if (choice.kind !== 'ranges') {
        this.fruitless = { of: asked, result: choice };
        return choice;
      }
      const outcome = await this.take(`${mirror.generation} ${mirror.resets}`, wanted, choice.ranges, request.signal);
      if (outcome === 'taken') return undefined;
      this.lost++;
    }
    throw new RunmakerError('queue', `${this.parts.connection.address.shown}: others were faster ${MOST_TRIES} times in a row`);
  }

  /** Takes jobs from these ranges and keeps them as spares. */
  private async take(known: string, wanted: number, ranges: readonly Range[], signal: AbortSignal | undefined): Promise<Outcome> {
    const { connection, noted, presence, check } = this.parts;
    const chosen = ranges.flatMap(({ from, to, state }) => [from, to, state]);
    for (;;) {
      const lease = presence();
      const op = `c${++this.ops}`;
      const began = monotonicNow();
      const isFresh = lease.isRegistered ? '0' : '1';
      const reply = (await connection.call(CLAIM, {
        args: again => [lease.runner, op, lease.duration, isFresh, again ? '1' : '0', known, wanted, ...chosen],
        signal,
      })) as readonly Reply[];
      const word = String(reply[0]);
      if (word === 'taken') {
        lease.begin(began);
        this.keep(lease, op, reply[2] as readonly Reply[], reply[3] as readonly Reply[], ranges);
      }
      await noted(Number(reply[1]));
      if (word !== 'expired') return word as Outcome;
      await check();
      await lease.isStillHeld(connection.patience);
    }
  }

  private keep(lease: Presence, op: string, runs: readonly Reply[], handles: readonly Reply[], ranges: readonly Range[]): void {
    const { rules } = this.parts.mirror;
    const noted = new Map<number, string>();
    for (let at = 0; at < handles.length; at += 2) noted.set(Number(handles[at]), String(handles[at + 1]));
    for (let at = 0; at < runs.length; at += 4) {
      for (const line of linesOf(runs[at + 3] as Buffer, Number(runs[at]), Number(runs[at + 2]))) {
        const { number } = line;
        // The state before the claim: a job given back without a run returns to it.
        const state = ranges.find(({ from, to }) => from <= number && number <= to)?.state ?? State.new;
        const job = jobOf(line, state, rules.othersAbove(number));
        this.spares.push(new RedisClaim(this.parts, lease, op, job, noted.get(number)));
      }
    }
  }

  /** A spare claim that suits the asker. Unusable ones go back. */
  private takeSpare({ free, capacity, retry, tried }: ClaimRequest): RedisClaim | undefined {
    const room = free ?? capacity;
    for (let claim = this.spares.shift(); claim; claim = this.spares.shift()) {
      const { directives, state, id } = claim.job;
      const isWanted = state === State.new || (retry === true && !tried?.has(id));
      if (!claim.isLost && isWanted && (room === undefined || fits(directives.needs, room))) return claim;
      void claim.release({ unrun: true }).catch(() => undefined);
    }
    return undefined;
  }

  /** When an asker wants no more, such as a draining runner, its spare claims go to others. */
  private giveBackAfter(signal: AbortSignal | undefined): void {
    if (signal === undefined || this.watched.has(signal)) return;
    this.watched.add(signal);
    signal.addEventListener('abort', () => void this.giveBack().catch(() => undefined), { once: true });
  }

  private adviceOf({ asker }: ClaimRequest): Advice {
    if (asker === undefined) return this.advice;
    const advice = this.adviceFor.get(asker) ?? new Advice();
    this.adviceFor.set(asker, advice);
    return advice;
  }
}

/** All that the answer to a request depends on. */
function askedFor({ generation, seq }: Mirror, { retry, tried, free, capacity }: ClaimRequest): string {
  return JSON.stringify([generation, seq, retry, retry ? tried?.size : 0, free, capacity]);
}
