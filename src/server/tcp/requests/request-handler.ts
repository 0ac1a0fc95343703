import { amount } from '../../../job/amount.js';
import type { Job } from '../../../job/job.js';
import type { Selection } from '../../../job/selection.js';
import { State } from '../../../job/state.js';
import type { Claim, ClaimRequest, FinishResult } from '../../../queue/queue.js';
import { jobToWire, selectionFromWire } from '../../../wire/job-form.js';
import { type Answer, type FromClient, MOST_CLAIMS, ProtocolError, type Request } from '../../../wire/messages.js';
import type { Connection } from '../connections/connection.js';
import type { House } from '../house.js';
import type { Deed, Session } from '../sessions/session.js';
import { AppendBuffer } from './append-buffer.js';
import { JobLists } from './job-lists.js';

type Of<T extends FromClient['type']> = Extract<FromClient, { type: T }>;

/** Lines that a client may want to pass over: each takes about 40 bytes. */
const MOST_TRIED = 2_000_000;

/** Does what a client asks for over one connection. */
export class RequestHandler {
  private readonly lists = new JobLists();
  private readonly parts: AppendBuffer;
  /** Lines that the client does not want to try again. It names them anew over each connection. */
  private readonly tried = new Set<string>();
  /** Ends the wait of the request for news that came last. */
  private waiting: AbortController | undefined;

  constructor(
    private readonly session: Session,
    private readonly conversation: Connection,
    private readonly house: House,
  ) {
    this.parts = new AppendBuffer(house.budget);
  }

  /** Undefined when there is nobody to answer any more. */
  async answer(request: Exclude<Request, { type: 'part' }>): Promise<Answer | undefined> {
    const { id } = request;
    const { queue, counting } = this.house;
    switch (request.type) {
      case 'claim':
        return await this.claim(request);
      case 'end':
        return { type: 'ended', id, result: await this.end(request) };
      case 'counts':
        return { type: 'counts', id, counts: await counting.get() };
      case 'jobs':
        return await this.lists.begin(id, this.jobs(selectionFromWire(request.selection)));
      case 'plan':
        return await this.lists.begin(id, queue.plan(this.asker(request)));
      case 'more':
        return await this.lists.more(id, request.of);
      case 'watch':
        return { type: 'news', id, seen: await this.news(request.seen) };
      case 'set':
      case 'append':
      case 'reclaim':
        try {
          return await this.session.deeds.once(
            id,
            () => this.begin(request),
            deed => this.answerDeed(id, deed),
          );
        } finally {
          // What is asked for once more comes with all its parts once more.
          this.parts.drop(id);
        }
    }
  }

  /** @throws ProtocolError when they are more than are kept in mind */
  noteTried({ lines, anew }: Of<'tried'>): void {
    const { tried } = this;
    if (anew) tried.clear();
    for (const line of lines) tried.add(String(line));
    if (tried.size > MOST_TRIED) throw new ProtocolError(`more than ${MOST_TRIED} lines that were tried before`);
  }

  notePart({ id, bytes }: Of<'part'>): void {
    this.parts.add(id, bytes);
  }

  endList(of: number): void {
    this.lists.end(of);
  }

  /** The connection is over. */
  close(): void {
    this.lists.endAll();
    this.parts.clear();
    this.waiting?.abort();
  }

  private async claim(request: Of<'claim'>): Promise<Answer | undefined> {
    const { id } = request;
    const { session, conversation, house } = this;
    const made = session.claims.get(id);
    if (made) return { type: 'claimed', id, job: jobToWire(made.job), layout: house.queue.layout };
    if (session.claims.size >= MOST_CLAIMS) return { type: 'waiting', id, for: 'room', layout: house.queue.layout };
    const result = await house.queue.claim({ ...this.asker(request), asker: session });
    const { layout } = house.queue;
    if (result.kind === 'waiting') return { type: 'waiting', id, for: result.for, layout };
    if (result.kind === 'exhausted') return { type: 'exhausted', id, layout };
    const { claim } = result;
    if (!conversation.isOpen) {
      await claim.release({ unrun: true });
      return undefined;
    }
    session.claims.set(id, claim);
    house.bulletin.note();
    house.log.detail(() => `${session.name} has claimed line ${claim.job.id}: ${claim.job.command}`);
    return { type: 'claimed', id, job: jobToWire(claim.job), layout };
  }

  private async end(request: Of<'end'>): Promise<FinishResult> {
    const { claims, ended, verdicts } = this.session;
    const id = request.claim;
    const claim = claims.get(id);
    const unknown: FinishResult = verdicts.get(id) ?? { kind: 'refused', reason: 'the server does not know of the claim' };
    if (claim === undefined && !ended.has(id)) return unknown;
    return await ended.once(
      id,
      () => (claim ? this.conclude(claim, request) : Promise.resolve(unknown)),
      result => result,
    );
  }

  private async conclude(claim: Claim, { claim: id, state, unrun = false }: Of<'end'>): Promise<FinishResult> {
    const { session, house } = this;
    session.claims.delete(id);
    const result = await (state === State.new ? claim.release({ unrun }) : claim.finish({ state }));
    const { id: line } = claim.job;
    if (state === State.failed || state === State.error) house.retried.add(line);
    house.bulletin.note();
    if (result.kind === 'refused') house.log.warn(`${session.name}: the result of line ${line} was refused: ${result.reason}`);
    else house.log.detail(() => `${session.name} has set line ${line} to "${state}"`);
    return result;
  }

  private asker({ id, retry, free, capacity, tell }: Of<'claim' | 'plan'>): ClaimRequest {
    const { house, conversation, tried } = this;
    return {
      ...(tell && {
        tell: notice => {
          // What is new about the file is for both.
          if (notice.kind === 'writable' || notice.kind === 'news') house.tell(notice);
          if (notice.kind !== 'writable') conversation.send({ type: 'notice', id, notice });
        },
      }),
      ...(retry && { retry, tried }),
      ...(house.retry && { retry: true, tried: retry ? new Set([...tried, ...house.retried]) : house.retried }),
      ...(free && { free }),
      ...(capacity && { capacity }),
    };
  }

  /** What runs, and whether somebody is at it, many want to know at the same time: they share one look. */
  private async *jobs(selection: Selection): AsyncGenerator<readonly Job[]> {
    const { states, ...others } = selection;
    const inHand = states?.length === 2 && states.includes(State.running) && states.includes(State.claimed);
    if (inHand && Object.keys(others).length === 0) yield await this.house.inHand.get();
    else yield* this.house.queue.jobs(selection);
  }

  private async news(seen: number): Promise<number> {
    // One is enough: who asks again has forgotten about the one before.
    this.waiting?.abort();
    const waiting = new AbortController();
    this.waiting = waiting;
    try {
      return await this.house.bulletin.past(seen, waiting.signal);
    } catch (error) {
      if (!waiting.signal.aborted) throw error;
      return this.house.bulletin.position;
    }
  }

  /** Does what must not be done twice. */
  private begin(request: Of<'set' | 'append' | 'reclaim'>): Promise<Deed> {
    const doing = this.do(request);
    // Who finds nothing to reclaim asks again and again: that is no news to anybody.
    const isNews = doing.then(
      deed => deed.kind !== 'reclaimed' || deed.jobs.length > 0,
      () => true,
    );
    void isNews.then(is => is && this.house.bulletin.note());
    return doing;
  }

  private async do(request: Of<'set' | 'append' | 'reclaim'>): Promise<Deed> {
    const { queue, log } = this.house;
    const who = this.session.name;
    switch (request.type) {
      case 'append': {
        await this.parts.use(request.id, request.commands, commands => queue.append(commands, { state: request.state }));
        log.detail(() => `${who} has appended ${amount(request.commands, 'job')}`);
        return { kind: 'appended' };
      }
      case 'set': {
        const result = await queue.set(selectionFromWire(request.selection), request.state, { force: request.force });
        log.detail(() => `${who} has set ${amount(result.changed, 'job')} to "${request.state}"`);
        return { kind: 'set', result };
      }
      case 'reclaim': {
        const jobs = await queue.reclaim();
        log.detail(() => `${who} has reclaimed ${amount(jobs.length, 'job')}`);
        return { kind: 'reclaimed', jobs };
      }
    }
  }

  private async answerDeed(id: number, deed: Deed): Promise<Answer> {
    switch (deed.kind) {
      case 'appended':
        return { type: 'appended', id };
      case 'reclaimed':
        return await this.lists.begin(id, inOne(deed.jobs));
      case 'set': {
        const { matched, changed, running } = deed.result;
        if (running.length > 0) this.lists.keep(id, [running]);
        return { type: 'set', id, matched, changed, more: running.length > 0 };
      }
    }
  }
}

async function* inOne(jobs: readonly Job[]): AsyncGenerator<readonly Job[]> {
  yield jobs;
}
