import { commandDigest } from '../../job/command-digest.js';
import type { Job } from '../../job/job.js';
import { jobMatcher, type Selection } from '../../job/selection.js';
import { type Counts, State } from '../../job/state.js';
import { type Address, printAddress } from '../../wire/address.js';
import { jobFromWire, type SendableSelection } from '../../wire/job-form.js';
import type { Answer, Welcome } from '../../wire/messages.js';
import { refuseUnwritable } from '../commands.js';
import type { Capabilities, ClaimRequest, ClaimResult, ClaimStatistics, Queue, ReclaimRequest, SetOptions, SetResult } from '../queue.js';
import { appendParts } from './append-parts.js';
import { ChangeTracker } from './change-tracker.js';
import { lostMidway } from './pending-request.js';
import { sentSelection } from './sent-selection.js';
import { ServerConnection } from './server-connection.js';
import { TcpClaim } from './tcp-claim.js';
import { TriedJobs } from './tried-jobs.js';
import { unexpected } from './unexpected.js';

/** How long the server may be out of reach, in ms. */
const DEFAULT_PATIENCE = 60_000;
/** Commands that are named in one message: each takes 47 bytes. */
const MOST_COMMANDS = 50_000;

/** A queue that a runmaker-server serves to us. */
export class TcpQueue implements Queue {
  readonly address: string;
  capabilities: Capabilities = { presence: false };
  private readonly link: ServerConnection;
  private readonly news = new ChangeTracker();
  private readonly tried = new TriedJobs();
  /** The request that is answered when something changes. */
  private watching: Promise<void> | undefined;
  private won = 0;
  /** A server that was started again knows nothing of the layouts of the last. */
  private session = '';
  private layoutTold: string | undefined;
  /** Of whoever asked last: there is one runner to a handle. */
  private tell: ClaimRequest['tell'];

  constructor(
    readonly name: string,
    address: Address,
    key: Buffer,
    patience = DEFAULT_PATIENCE,
  ) {
    this.address = address.kind === 'unix' ? printAddress(address) : `tcp://${printAddress(address)}`;
    this.link = new ServerConnection({
      address,
      key,
      patience,
      welcomed: ({ seen, session }) => {
        this.session = session;
        this.news.note(seen);
        return this.tried.all();
      },
      tell: notice => this.tell?.(notice),
      absent: ({ message }) =>
        this.tellNews(`${message}; jobs that run go on`, 'it is tried again: the server keeps the jobs of its clients for --grace'),
      back: () => this.tellNews(`${this.address}: the server is back`, 'jobs that it has taken away meanwhile are told when they end'),
    });
  }

  /** Connects for the first time. To be called once, before all else. */
  async open(): Promise<void> {
    const { presence, presenceReturns }: Welcome = await this.link.open();
    this.capabilities = { presence, ...(presenceReturns !== undefined && { presenceReturns }) };
  }

  /** The server sees to it that its clients are in nobody's way: all of them are won. */
  get claims(): ClaimStatistics {
    return { won: this.won, lost: 0, busy: 0 };
  }

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    const { tell, signal } = request;
    signal?.throwIfAborted();
    this.tell = tell;
    this.tellTried(request);
    const answer = await this.link.ask({ type: 'claim', ...asker(request) }, { tell, signal });
    if ('layout' in answer) this.layoutTold = answer.layout;
    switch (answer.type) {
      case 'claimed':
        this.won++;
        return { kind: 'claimed', claim: new TcpClaim(this.link, answer.id, jobFromWire(answer.job)) };
      case 'waiting':
        return { kind: 'waiting', for: answer.for };
      case 'exhausted':
        return { kind: 'exhausted' };
      default:
        return unexpected(answer);
    }
  }

  async *jobs({ match, ...others }: Selection = {}): AsyncGenerator<readonly Job[]> {
    const matches = jobMatcher({ match });
    for await (const jobs of this.batches(await this.link.ask({ type: 'jobs', selection: sentSelection(others) }))) {
      const chosen = match === undefined ? jobs : jobs.filter(matches);
      if (chosen.length > 0) yield chosen;
    }
  }

  async *plan(request: ClaimRequest): AsyncGenerator<readonly Job[]> {
    this.tellTried(request);
    yield* this.batches(await this.link.ask({ type: 'plan', ...asker(request) }, { tell: request.tell }));
  }

  async counts(): Promise<Counts> {
    const answer = await this.link.ask({ type: 'counts' });
    return answer.type === 'counts' ? answer.counts : unexpected(answer);
  }

  /** Where a regular expression chooses, the jobs are named by the commands that match: lines may move while they are looked through. */
  async set(selection: Selection, state: State, { force = false }: SetOptions = {}): Promise<SetResult> {
    const { match, ...others } = selection;
    if (match === undefined) return await this.setAmong(others, state, force);
    const prints = new Set<string>();
    for await (const jobs of this.jobs(selection)) for (const { command } of jobs) prints.add(commandDigest(command));
    const commands = [...prints];
    let [matched, changed] = [0, 0];
    const running: Job[] = [];
    for (let at = 0; at === 0 || at < commands.length; at += MOST_COMMANDS) {
      const result = await this.setAmong({ ...others, commands: commands.slice(at, at + MOST_COMMANDS) }, state, force);
      matched += result.matched;
      changed += result.changed;
      running.push(...result.running);
    }
    return { matched, changed, running };
  }

  async append(commands: readonly Buffer[], { state = State.new }: { state?: State } = {}): Promise<void> {
    for (const command of commands) refuseUnwritable(command);
    if (commands.length === 0) return;
    const answer = await this.link.ask({ type: 'append', state, commands: commands.length }, { before: appendParts(commands) });
    if (answer.type !== 'appended') unexpected(answer);
  }

  async reclaim({ tell, signal }: ReclaimRequest = {}): Promise<readonly Job[]> {
    return await gathered(this.batches(await this.link.ask({ type: 'reclaim' }, { tell, signal })));
  }

  get seen(): number {
    return this.news.seen;
  }

  get layout(): string | undefined {
    return this.layoutTold && `${this.session} ${this.layoutTold}`;
  }

  async changed(signal: AbortSignal, since = this.seen): Promise<void> {
    this.watch();
    await this.news.past(since, signal);
  }

  close(): Promise<void> {
    return this.link.close();
  }

  private async setAmong(selection: SendableSelection, state: State, force: boolean): Promise<SetResult> {
    const answer = await this.link.ask({ type: 'set', selection: sentSelection(selection), state, force });
    if (answer.type !== 'set') return unexpected(answer);
    const { matched, changed, more } = answer;
    return { matched, changed, running: more ? await gathered(this.rest(answer.id)) : [] };
  }

  private tellNews(message: string, hint: string): void {
    this.tell?.({ kind: 'news', message, hint });
  }

  private tellTried({ tried }: ClaimRequest): void {
    if (tried) for (const message of this.tried.update(tried)) this.link.say(message);
  }

  /** One request for all who wait; it goes on when they have left, for the next who do. */
  private watch(): void {
    this.watching ??= this.link
      .ask({ type: 'watch', seen: this.news.position ?? 0 })
      .finally(() => {
        this.watching = undefined;
      })
      .then(
        answer => (answer.type === 'news' ? this.news.note(answer.seen) : this.news.fail(new Error(`unexpected ${answer.type}`))),
        error => this.news.fail(error as Error),
      );
  }

  private async *batches(first: Answer): AsyncGenerator<readonly Job[]> {
    if (first.type !== 'batch') return unexpected(first);
    const { connections } = this.link;
    if (first.jobs.length > 0) yield first.jobs.map(jobFromWire);
    if (first.more) yield* this.rest(first.id, connections);
  }

  /**
   * What follows an answer that had more. The next batch is on its way while one is worked on.
   * @param connections of the link, when that answer came: the list is gone with the connection
   */
  private async *rest(of: number, connections = this.link.connections): AsyncGenerator<readonly Job[]> {
    let isThrough = false;
    const next = (): Promise<Answer> => {
      if (connections !== this.link.connections) throw lostMidway();
      const answer = this.link.ask({ type: 'more', of });
      answer.catch(() => undefined);
      return answer;
    };
    try {
      let coming = next();
      while (!isThrough) {
        const answer = await coming;
        if (answer.type !== 'batch') return unexpected(answer);
        isThrough = !answer.more;
        if (!isThrough) coming = next();
        yield answer.jobs.map(jobFromWire);
      }
    } finally {
      if (!isThrough && connections === this.link.connections) this.link.say({ type: 'enough', of });
    }
  }
}

/** What of a claim request goes into each message. */
function asker({ retry, free, capacity, tell }: ClaimRequest): Pick<ClaimRequest, 'retry' | 'free' | 'capacity'> & { tell?: true } {
  return { ...(retry && { retry }), ...(free && { free }), ...(capacity && { capacity }), ...(tell && { tell: true }) };
}

async function gathered(batches: AsyncIterable<readonly Job[]>): Promise<Job[]> {
  const all: Job[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}
