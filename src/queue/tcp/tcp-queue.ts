import { RunmakerError } from '../../errors.js';
import { commandDigest } from '../../job/command-digest.js';
import type { Job } from '../../job/job.js';
import { BARRIER_LINE } from '../../job/line.js';
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

/** How long the server may be unreachable, in ms. */
const DEFAULT_PATIENCE = 60_000;
/** Commands in one message: each takes 47 bytes. */
const MOST_COMMANDS = 50_000;

/**
 * A queue served by runmaker-server. This folder is the client: dialling and greeting, a connection that is remade after a loss, requests
 * that wait for answers, and the claims to list for a restarted server.
 */
export class TcpQueue implements Queue {
  readonly address: string;
  capabilities: Capabilities = { presence: false };
  private readonly server: ServerConnection;
  private readonly changes = new ChangeTracker();
  private readonly tried = new TriedJobs();
  /** The request that the server answers at the next change. */
  private watching: Promise<void> | undefined;
  private won = 0;
  /** A restarted server does not know the layouts of its predecessor. */
  private session = '';
  private lastLayout: string | undefined;
  /** From the last claim request: a handle serves one runner. */
  private tell: ClaimRequest['tell'];

  constructor(
    readonly name: string,
    address: Address,
    key: Buffer,
    patience = DEFAULT_PATIENCE,
  ) {
    this.address = address.kind === 'unix' ? printAddress(address) : `tcp://${printAddress(address)}`;
    this.server = new ServerConnection({
      address,
      key,
      patience,
      welcomed: ({ seen, session }) => {
        this.session = session;
        this.changes.note(seen);
        return this.tried.all();
      },
      tell: notice => this.tell?.(notice),
      absent: ({ message }) =>
        this.notify(`${message}; jobs that run go on`, 'reconnecting: the server keeps the jobs of its clients for --grace'),
      back: () => this.notify(`${this.address}: the server is back`, 'jobs that it has taken away meanwhile are reported when they end'),
    });
  }

  /** Connects for the first time. To be called once, before all else. */
  async open(): Promise<void> {
    const { presence, presenceReturns }: Welcome = await this.server.open();
    this.capabilities = { presence, ...(presenceReturns !== undefined && { presenceReturns }) };
  }

  /** The server keeps its clients from competing: all claims are won. */
  get claims(): ClaimStatistics {
    return { won: this.won, lost: 0, busy: 0 };
  }

  async claim(request: ClaimRequest): Promise<ClaimResult> {
    const { tell, signal } = request;
    signal?.throwIfAborted();
    this.tell = tell;
    this.sendTried(request);
    const answer = await this.server.ask({ type: 'claim', ...asker(request) }, { tell, signal });
    if ('layout' in answer) this.lastLayout = answer.layout;
    switch (answer.type) {
      case 'claimed':
        this.won++;
        return { kind: 'claimed', claim: new TcpClaim(this.server, answer.id, jobFromWire(answer.job), answer.fence) };
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
    for await (const jobs of this.batches(await this.server.ask({ type: 'jobs', selection: sentSelection(others) }))) {
      const chosen = match === undefined ? jobs : jobs.filter(matches);
      if (chosen.length > 0) yield chosen;
    }
  }

  async *plan(request: ClaimRequest): AsyncGenerator<readonly Job[]> {
    this.sendTried(request);
    yield* this.batches(await this.server.ask({ type: 'plan', ...asker(request) }, { tell: request.tell }));
  }

  async counts(): Promise<Counts> {
    const answer = await this.server.ask({ type: 'counts' });
    return answer.type === 'counts' ? answer.counts : unexpected(answer);
  }

  /** With a regular expression the request names jobs by the matching commands: lines may move while they are read. */
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
    if (commands.includes(BARRIER_LINE)) throw new RunmakerError('usage', `${this.name}: barriers cannot be appended by way of a server`);
    if (commands.length === 0) return;
    const answer = await this.server.ask({ type: 'append', state, commands: commands.length }, { before: appendParts(commands) });
    if (answer.type !== 'appended') unexpected(answer);
  }

  async reclaim({ tell, signal }: ReclaimRequest = {}): Promise<readonly Job[]> {
    return await gathered(this.batches(await this.server.ask({ type: 'reclaim' }, { tell, signal })));
  }

  get seen(): number {
    return this.changes.seen;
  }

  get layout(): string | undefined {
    return this.lastLayout && `${this.session} ${this.lastLayout}`;
  }

  async changed(signal: AbortSignal, since = this.seen): Promise<void> {
    this.watch();
    await this.changes.past(since, signal);
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private async setAmong(selection: SendableSelection, state: State, force: boolean): Promise<SetResult> {
    const answer = await this.server.ask({ type: 'set', selection: sentSelection(selection), state, force });
    if (answer.type !== 'set') return unexpected(answer);
    const { matched, changed, more } = answer;
    return { matched, changed, running: more ? await gathered(this.rest(answer.id)) : [] };
  }

  private notify(message: string, hint: string): void {
    this.tell?.({ kind: 'news', message, hint });
  }

  private sendTried({ tried }: ClaimRequest): void {
    if (tried) for (const message of this.tried.update(tried)) this.server.say(message);
  }

  /** One request for all waiting callers; it outlives them, for the next ones. */
  private watch(): void {
    this.watching ??= this.server
      .ask({ type: 'watch', seen: this.changes.position ?? 0 })
      .finally(() => {
        this.watching = undefined;
      })
      .then(
        answer => (answer.type === 'news' ? this.changes.note(answer.seen) : this.changes.fail(new Error(`unexpected ${answer.type}`))),
        error => this.changes.fail(error as Error),
      );
  }

  private async *batches(first: Answer): AsyncGenerator<readonly Job[]> {
    if (first.type !== 'batch') return unexpected(first);
    const { losses } = this.server;
    if (first.jobs.length > 0) yield first.jobs.map(jobFromWire);
    if (first.more) yield* this.rest(first.id, losses);
  }

  /**
   * The rest of an answer that had more. The next batch is on its way while the caller works on one.
   * @param losses of the connection when that answer came: the list is gone with it
   */
  private async *rest(of: number, losses = this.server.losses): AsyncGenerator<readonly Job[]> {
    let isThrough = false;
    const next = (): Promise<Answer> => {
      if (losses !== this.server.losses) throw lostMidway();
      const answer = this.server.ask({ type: 'more', of });
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
      if (!isThrough && losses === this.server.losses) this.server.say({ type: 'enough', of });
    }
  }
}

/** The part of a claim request that goes into each message. */
function asker({ retry, free, capacity, tell }: ClaimRequest): Pick<ClaimRequest, 'retry' | 'free' | 'capacity'> & { tell?: true } {
  return { ...(retry && { retry }), ...(free && { free }), ...(capacity && { capacity }), ...(tell && { tell: true }) };
}

async function gathered(batches: AsyncIterable<readonly Job[]>): Promise<Job[]> {
  const all: Job[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}
