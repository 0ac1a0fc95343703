import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { openQueue } from '../../src/queue/open.js';
import type { Queue } from '../../src/queue/queue.js';
import { keysOf } from '../../src/queue/redis/keys.js';
import { readLines } from '../../src/queue/redis/lines/line-text.js';
import { packNumbers } from '../../src/queue/redis/lines/packed.js';
import { APPEND } from '../../src/queue/redis/scripts/change.js';
import type { QueueUnderTest } from '../conformance/queue-conformance.js';

/** The time limit for a server to start or exit, in ms. */
const LIMIT = 20_000;

/** A private Redis, in a separate folder, reached over a socket there. */
export class RedisServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'runmaker-redis-'));
  readonly socket = join(this.folder, 'redis.sock');
  private process: ChildProcess | undefined;
  private client: Redis | undefined;
  private queues = 0;

  /** @param options as in redis.conf */
  static async start(options: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
    const server = new RedisServer(options);
    await server.start();
    return server;
  }

  private constructor(private readonly options: Readonly<Record<string, string>>) {}

  get pid(): number {
    return this.process?.pid as number;
  }

  /** A connection for what tests inspect and change behind a queue's back. */
  get direct(): Redis {
    this.client ??= new Redis({ path: this.socket, protocol: 2 }).on('error', () => undefined);
    return this.client;
  }

  url(queue: string): string {
    return `redis+unix:${this.socket}#${queue}`;
  }

  newName(): string {
    return `q${++this.queues}`;
  }

  async start(): Promise<void> {
    const options = {
      port: '0',
      unixsocket: this.socket,
      dir: this.folder,
      save: '',
      appendonly: 'yes',
      appendfsync: 'no',
      ...this.options,
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    this.process = spawn('redis-server', args, { stdio: 'ignore' });
    const end = performance.now() + LIMIT;
    while (!(await this.answers())) {
      if (performance.now() > end || this.process.exitCode !== null) throw new Error('redis-server does not start');
      await setTimeout(20);
    }
  }

  /**
   * Kills the server at once, like a crash. Its answered writes are in the kernel by then: with `everysec` it would delay writing while
   * the disk is busy.
   */
  async kill(): Promise<void> {
    const { process } = this;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const exit = once(process, 'exit');
    process.kill('SIGKILL');
    await exit;
  }

  async stop(): Promise<void> {
    this.client?.disconnect();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Creates a queue from the text of a runs file. */
  async load(queue: string, content: string | Buffer): Promise<void> {
    const { text, ends, states, marks } = readLines(Buffer.from(content));
    const keys = keysOf(queue, 'loader');
    const args = ['1', queue, 0, 0, text, packNumbers(ends), Buffer.from(states, 'latin1'), packNumbers(marks), '1'];
    await this.direct.eval(APPEND.source, keys.length, ...keys, ...args);
    await this.direct.del(keys.at(-1) as string);
  }

  /** The queue in the form of a runs file. */
  async content(queue: string): Promise<string> {
    const [, states, text] = keysOf(queue, '');
    const [letters, lines] = await Promise.all([this.direct.getBuffer(states as string), this.direct.getBuffer(text as string)]);
    const bytes = lines ?? Buffer.alloc(0);
    let at = 0;
    for (const letter of letters ?? []) {
      // Lines that are not jobs are unchanged.
      if (letter !== 0x23 && letter !== 0x2f) bytes[at] = letter;
      at = bytes.indexOf('\n', at) + 1;
    }
    return bytes.toString('latin1');
  }

  private answers(): Promise<boolean> {
    return new Promise(resolve => {
      const socket = connect(this.socket, () => socket.write('PING\r\n'));
      socket.setTimeout(1000, () => socket.destroy());
      socket.once('data', data => {
        socket.destroy();
        resolve(data.toString().startsWith('+PONG') || data.toString().startsWith('-NOAUTH'));
      });
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
  }
}

/** Queues in Redis for the conformance suite. */
export function redisQueues(server: () => RedisServer): (content: string) => Promise<QueueUnderTest> {
  return async content => {
    const name = server().newName();
    await server().load(name, content);
    // A line without an end has one here.
    const isCut = content !== '' && !content.endsWith('\n');
    const handles: Queue[] = [];
    return {
      async open() {
        const queue = await openQueue(server().url(name));
        handles.push(queue);
        return queue;
      },
      async content() {
        const now = await server().content(name);
        return isCut && now.split('\n').length === content.split('\n').length + 1 ? now.slice(0, -1) : now;
      },
      async close() {
        await Promise.all(handles.map(queue => queue.close()));
        await server().direct.del(...keysOf(name, ''));
      },
    };
  };
}
