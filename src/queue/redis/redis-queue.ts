import { randomBytes } from 'node:crypto';
import { RunmakerError } from '../../errors.js';
import type { Job, LineJob } from '../../job/job.js';
import { outlook } from '../../job/readiness.js';
import type { Selection } from '../../job/selection.js';
import { type Counts, State } from '../../job/state.js';
import { refuseUnsettable, refuseUnwritable } from '../commands.js';
import { planLines } from '../plan.js';
import type {
  Capabilities,
  Claim,
  ClaimRequest,
  ClaimResult,
  ClaimStatistics,
  Queue,
  ReclaimRequest,
  SetOptions,
  SetResult,
} from '../queue.js';
import { appendLines } from './append-lines.js';
import { adoptLines } from './claims/adopt-lines.js';
import { Claimer } from './claims/claimer.js';
import type { RedisAddress } from './connection/address.js';
import { Connection, type Reply } from './connection/connection.js';
import { channelOf, keysOf } from './keys.js';
import { JobReader } from './lines/job-reader.js';
import { newLines } from './lines/line-text.js';
import { Mirror } from './lines/mirror.js';
import { News } from './news.js';
import { Runner } from './presence/runner.js';
import { ARM } from './scripts/change.js';
import { HELD, LEAVE, RECLAIM } from './scripts/leases.js';
import { setStates } from './set-states.js';
import { Sightings } from './sightings.js';
import { Writer } from './writer.js';

/** How a queue in Redis is worked on, in ms. */
export interface RedisQueueOptions {
  readonly patience: number;
  readonly lease: number;
}

/** Lines that one call examines. */
const LINES_A_CALL = 1000;
/** Longest time to close a queue, in ms, if Redis does not answer. */
const CLOSING = 1000;
const IN_HAND: readonly State[] = [State.running, State.claimed];

/** A queue whose lines and states are kept in Redis: docs/redis.md. Each change is one script, and thus atomic. */
export class RedisQueue implements Queue {
  readonly name: string;
  readonly address: string;
  readonly capabilities: Capabilities = { presence: true };
  private readonly connection: Connection;
  private readonly mirror: Mirror;
  private readonly reader: JobReader;
  private readonly writer: Writer;
  private readonly claimer: Claimer;
  private readonly news: News;
  private readonly runner: Runner;
  private readonly sightings: Sightings;
  private tell: ClaimRequest['tell'];

  constructor(address: RedisAddress, { patience, lease }: RedisQueueOptions) {
    this.name = address.shown;
    this.address = address.shown;
    const client = randomBytes(8).toString('hex');
    const keys = keysOf(address.queue, client);
    const connection = new Connection(address, keys, patience);
    const tell = (message: string, hint: string): void => this.tell?.({ kind: 'news', message, hint });
    connection.tell = tell;
    this.sightings = new Sightings(this.name, tell, () => this.mirror.lines);
    const noted = (generation: string, seq: number): void => this.sightings.note(generation, seq);
    this.connection = connection;
    this.writer = new Writer(connection);
    this.mirror = new Mirror(connection, noted);
    this.reader = new JobReader(connection, this.mirror);
    this.runner = new Runner(client, lease, connection, keys, tell);
    this.news = new News(connection, channelOf(address.queue), noted);
    this.claimer = new Claimer({
      connection,
      writer: this.writer,
      mirror: this.mirror,
      presence: () => this.runner.presence,
      noted: seq => this.noteClaim(seq),
      check: () => this.check(),
    });
  }

  /** Connects. To be called once, before all else. */
  async open(): Promise<void> {
    await this.connection.open();
    await this.check();
  }

  get claims(): ClaimStatistics {
    return { won: this.claimer.won, lost: this.claimer.lost, busy: 0 };
  }

  claim(request: ClaimRequest): Promise<ClaimResult> {
    this.tell = request.tell ?? this.tell;
    return this.claimer.claim(request);
  }

  async *jobs(selection: Selection = {}): AsyncGenerator<readonly LineJob[]> {
    await this.mirror.look();
    const states = selection.states ?? IN_HAND;
    const held = IN_HAND.some(state => states.includes(state) && this.count(state) > 0) ? await this.held() : undefined;
    for await (const jobs of this.reader.read(selection)) yield held === undefined ? jobs : jobs.map(job => withHolder(job, held));
  }

  async *plan(request: ClaimRequest): AsyncGenerator<readonly Job[]> {
    await this.mirror.look();
    let batch: number[] = [];
    for (const line of planLines(this.mirror.draft(), request)) {
      batch.push(line);
      if (batch.length < LINES_A_CALL) continue;
      yield await this.reader.jobsInOrder(batch);
      batch = [];
    }
    if (batch.length > 0) yield await this.reader.jobsInOrder(batch);
  }

  async counts(): Promise<Counts> {
    await this.mirror.look();
    const { mirror } = this;
    const [fresh, claimed, running] = [this.count(State.new), this.count(State.claimed), this.count(State.running)];
    const [done, failed, error] = [this.count(State.done), this.count(State.failed), this.count(State.error)];
    const total = mirror.lines - mirror.rules.others.length;
    const held = total - fresh - claimed - running - done - failed - error;
    const blocked = mirror.rules.marks.length === 0 ? 0 : outlook(mirror.board, {}).blocked;
    return { new: fresh, claimed, running, done, failed, error, held, total, blocked };
  }

  async barriers(): Promise<readonly number[]> {
    await this.mirror.look();
    return this.mirror.rules.barriers;
  }

  async set(selection: Selection, state: State, { force = false }: SetOptions = {}): Promise<SetResult> {
    refuseUnsettable(state);
    return await setStates(
      {
        mirror: this.mirror,
        writer: this.writer,
        chosen: among => this.reader.choose(selection, among),
        held: () => this.held(),
        jobs: async lines => (await this.reader.jobsAt(lines)).map(job => ({ ...job, holder: 'present' as const })),
      },
      state,
      force,
    );
  }

  async append(commands: readonly Buffer[], { state = State.new }: { state?: State } = {}): Promise<void> {
    refuseUnsettable(state);
    for (const command of commands) refuseUnwritable(command);
    if (commands.length > 0) await appendLines(this.connection, this.writer, newLines(commands, state));
  }

  async reclaim({ tell }: ReclaimRequest = {}): Promise<readonly Job[]> {
    this.tell = tell ?? this.tell;
    const orphans = await this.orphans();
    const reclaimed: number[] = [];
    for (let at = 0; at < orphans.length; at += LINES_A_CALL) {
      const text = String(await this.writer.call(RECLAIM, () => orphans.slice(at, at + LINES_A_CALL)));
      if (text !== '') reclaimed.push(...text.split(',').map(Number));
    }
    return await this.reader.jobsAt(reclaimed);
  }

  async adopt(selection: Selection = {}): Promise<readonly Claim[]> {
    const chosen = new Set(await this.reader.choose(selection));
    const { connection, writer, reader, runner } = this;
    const orphans = (await this.orphans()).filter(line => chosen.has(line));
    return await adoptLines({ connection, writer, reader, presence: () => runner.presence }, orphans, LINES_A_CALL);
  }

  get seen(): number {
    return this.sightings.count;
  }

  async changed(signal: AbortSignal, since = this.seen): Promise<void> {
    signal.throwIfAborted();
    while (this.seen === since) {
      await this.news.wait(() => this.sightings.seq, signal);
      signal.throwIfAborted();
    }
  }

  /** Lines are only appended: they keep their numbers for as long as the queue is the same. */
  get layout(): string | undefined {
    return this.sightings.generation;
  }

  async close(): Promise<void> {
    try {
      await inTime(this.claimer.giveBack());
    } finally {
      const runner = await this.runner.end();
      if (runner !== undefined || this.writer.hasWritten)
        await inTime(this.connection.call(LEAVE, { args: () => [runner ?? ''] })).catch(() => undefined);
      await this.news.close();
      this.connection.close();
    }
  }

  private count(state: State): number {
    return this.mirror.counts[state.charCodeAt(0)] as number;
  }

  private async held(): Promise<ReadonlySet<number>> {
    return new Set(((await this.connection.call(HELD, { args: () => [] })) as readonly Reply[]).map(Number));
  }

  private async orphans(): Promise<number[]> {
    await this.mirror.look();
    const inHand = [...this.reader.chosenByState({ states: IN_HAND })];
    if (inHand.length === 0) return inHand;
    const held = await this.held();
    return inHand.filter(line => !held.has(line));
  }

  /** A claim does not tell which queue it was made in. A lower seq means an older state, or another queue. */
  private async noteClaim(seq: number): Promise<void> {
    if (seq < this.sightings.seq) await this.check();
    else this.sightings.noteSeq(seq);
  }

  private async check(): Promise<void> {
    const reply = (await this.connection.call(ARM, { args: () => ['-1'] })) as readonly Reply[];
    this.sightings.note(String(reply[0]), Number(reply[1]));
  }
}

function withHolder(job: LineJob, held: ReadonlySet<number>): LineJob {
  return IN_HAND.includes(job.state) ? { ...job, holder: held.has(job.number) ? 'present' : 'absent' } : job;
}

/** Rejects if closing takes too long. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RunmakerError('queue', 'Redis does not answer')), CLOSING);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
