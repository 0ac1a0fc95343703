import { Cluster, Redis } from 'ioredis';
import { pause } from '../../../async/timer.js';
import { RunmakerError } from '../../../errors.js';
import type { Script } from '../scripts/script.js';
import type { RedisAddress } from './address.js';
import { explain, type Failure, isAnswer } from './explain.js';
import { type ClientSettings, settingsFor } from './settings.js';

/** Arguments and answers of scripts. */
export type Argument = string | number | Buffer;
export type Reply = Buffer | number | null | readonly Reply[];

/** How a script is called. */
export interface Call {
  /** The arguments. `again`: an earlier call may have run although its answer did not arrive. */
  readonly args: (again: boolean) => readonly Argument[];
  /** Retries what Redis refuses for now, as out of memory, as patiently as when it is away: for a result, which exists nowhere else. */
  readonly precious?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Between two tries, in ms. */
const FIRST_PAUSE = 25;
const LONGEST_PAUSE = 1000;
/** Reconnects silently. After this long, in ms, the user is told. */
const ABSENCE = 2000;
/** The oldest Redis that supports the scripts and commands used here. */
const OLDEST = [6, 2] as const;

/** A client's connection to Redis for as long as it is open, over as many sockets as it takes. */
export class Connection {
  readonly settings: ClientSettings;
  private readonly client: Redis | Cluster;
  private readonly closing = new AbortController();
  private failure: Failure;
  private connecting: Promise<void> | undefined;
  private absentSince: number | undefined;
  private isAbsenceTold = false;
  /** Receives messages for the user. */
  tell: ((message: string, hint: string) => void) | undefined;

  /** @param keys of the queue, passed to every script · @param patience in ms */
  constructor(
    readonly address: RedisAddress,
    private readonly keys: readonly string[],
    readonly patience: number,
  ) {
    this.settings = settingsFor(address);
    this.client = newClient(this.settings);
    this.failure = explain(address.shown, new Error('not connected'));
    this.client.on('error', (error: unknown) => {
      this.failure = explain(address.shown, deepest(error));
    });
  }

  /** Connects for the first time. Rejects when that fails: the client only waits for a server that was there before. */
  async open(): Promise<void> {
    const began = performance.now();
    for (let isReady = false; !isReady; ) {
      try {
        await this.ready();
        isReady = true;
      } catch (cause) {
        const { error, lasts } = explain(this.address.shown, cause);
        // A server that answers that it is loading, or busy, is there.
        if (lasts !== 'away' || !isAnswer(cause) || performance.now() - began >= this.patience) throw error;
        await pause(FIRST_PAUSE, this.closing.signal);
      }
    }
    const info = String(await this.client.info('server').catch(() => ''));
    const [, version = '', major, minor] = /^redis_version:((\d+)\.(\d+)\S*)/m.exec(info) ?? [];
    if (major === undefined || Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1])) return;
    throw new RunmakerError('queue', `${this.address.shown}: Redis ${version} is too old`, {
      hint: `use Redis ${OLDEST.join('.')} or newer`,
    });
  }

  /** Calls a script, repeatedly while Redis is away and patience lasts. */
  async call(script: Script, { args, precious = false, signal }: Call): Promise<Reply> {
    let since: number | undefined;
    for (let tries = 0; ; tries++) {
      signal?.throwIfAborted();
      try {
        if (this.client.status !== 'ready') await this.ready(signal);
        const reply = await this.evaluate(script, args(tries > 0));
        this.noteBack();
        return reply;
      } catch (cause) {
        signal?.throwIfAborted();
        if (this.closing.signal.aborted) throw this.closing.signal.reason;
        const { error, lasts } = isConnectionClosed(cause) ? this.failure : explain(this.address.shown, cause);
        if (lasts === 'never' || (lasts === 'refuses' && !precious && !this.mayBeElsewhere)) throw error;
        since ??= performance.now();
        if (performance.now() - since >= this.patience) throw error;
        this.noteAbsence(error);
        const longest = Math.min(FIRST_PAUSE * 2 ** tries, LONGEST_PAUSE);
        await pause(longest * (0.5 + Math.random() / 2), AbortSignal.any([this.closing.signal, ...(signal ? [signal] : [])]));
      }
    }
  }

  /** A separate connection that listens to a channel, and resumes after it was lost. */
  async subscribe(channel: string, heard: () => void): Promise<() => void> {
    const client = newClient(this.settings);
    client.on('error', () => undefined);
    client.on('message', heard);
    // Messages sent while the connection was away are missed.
    client.on('ready', heard);
    try {
      await connected(client, this.closing.signal);
      await client.subscribe(channel);
    } catch (error) {
      client.disconnect();
      throw error;
    }
    return () => client.disconnect();
  }

  close(): void {
    this.closing.abort(new RunmakerError('queue', `${this.address.shown}: the queue was closed`));
    this.client.disconnect();
  }

  /** With these another server may be the master by now. */
  private get mayBeElsewhere(): boolean {
    return this.address.kind === 'sentinel' || this.address.kind === 'cluster';
  }

  /** Waits for a connection; rejects when this attempt fails. All calls share it. */
  private async ready(signal?: AbortSignal): Promise<void> {
    this.connecting ??= connected(this.client, this.closing.signal).finally(() => {
      this.connecting = undefined;
    });
    await (signal ? unlessAborted(this.connecting, signal) : this.connecting);
  }

  private async evaluate({ sha, source }: Script, args: readonly Argument[]): Promise<Reply> {
    const { keys } = this;
    try {
      return (await this.client.callBuffer('EVALSHA', [sha, keys.length, ...keys, ...args])) as Reply;
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return (await this.client.callBuffer('EVAL', [source, keys.length, ...keys, ...args])) as Reply;
    }
  }

  private noteAbsence({ message, hint }: RunmakerError): void {
    this.absentSince ??= performance.now();
    if (this.isAbsenceTold || performance.now() - this.absentSince < ABSENCE) return;
    this.isAbsenceTold = true;
    this.tell?.(`${message}; jobs that run go on`, hint ?? 'it is tried again for as long as --patience says');
  }

  private noteBack(): void {
    this.absentSince = undefined;
    if (!this.isAbsenceTold) return;
    this.isAbsenceTold = false;
    this.tell?.(`${this.address.shown}: Redis is back`, 'results that were kept are written now');
  }
}

/** Waits until a client is connected; rejects when that fails, though it goes on trying. */
function connected(client: Redis | Cluster, closing: AbortSignal): Promise<void> {
  if (client.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    const over = (error?: unknown): void => {
      client.off('ready', ready).off('error', failed).off('close', closed);
      closing.removeEventListener('abort', abort);
      if (error === undefined) resolve();
      else reject(error as Error);
    };
    const ready = (): void => over();
    const failed = (error: unknown): void => over(deepest(error));
    const closed = (): void => over(new Error('Connection is closed.'));
    const abort = (): void => over(closing.reason);
    client.on('ready', ready).on('error', failed).on('close', closed);
    closing.addEventListener('abort', abort);
    if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => undefined);
    if (closing.aborted) abort();
  });
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function newClient(settings: ClientSettings): Redis | Cluster {
  const retry = (times: number): number => Math.min(FIRST_PAUSE * 2 ** Math.min(times, 10), LONGEST_PAUSE) * (0.5 + Math.random() / 2);
  if (settings.kind === 'cluster') {
    const { redisOptions, ...options } = settings.options;
    return new Cluster(settings.nodes, { ...options, redisOptions, clusterRetryStrategy: retry });
  }
  // By then the sentinels name another master.
  const reconnectOnError = (error: Error): boolean => 'sentinels' in settings.options && error.message.startsWith('READONLY');
  return new Redis({ ...settings.options, retryStrategy: retry, reconnectOnError });
}

/** The last of the errors holds a cluster's report on its nodes, or the system's on several addresses. */
function deepest(error: unknown): unknown {
  if (error instanceof AggregateError) return error.errors.at(-1) ?? error;
  if (error instanceof Error && 'lastNodeError' in error && error.lastNodeError instanceof Error) return error.lastNodeError;
  return error;
}

function isConnectionClosed(error: unknown): boolean {
  return (
    error instanceof Error &&
    /Connection is closed|isn't writeable|retries per request|aborted due to connection close|Cluster isn't ready/i.test(error.message)
  );
}
