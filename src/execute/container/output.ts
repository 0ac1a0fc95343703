import type { IncomingMessage } from 'node:http';
import type { OutputStream, Task } from '../executor.js';
import { bytesOf } from './engine/connection.js';
import type { Engine } from './engine/engine.js';
import { EngineRefusal } from './engine/failure.js';
import { Frames } from './engine/frames.js';

/** As much of stderr is kept as an init process says when it cannot start a program. */
const KEPT = 4096;
/** An engine may be set to keep no more than the last megabytes of a log: beyond this, counting from its beginning could be wrong. */
const COUNTED = 8 * 1024 * 1024;

/**
 * Hands on what a container prints, no faster than it is taken. When the connection breaks, what was missed is read from the engine's log,
 * by the count of bytes that have been taken.
 */
export class ContainerOutput {
  private readonly taken: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  private readonly kept: Buffer[] = [];
  private lastTaken = 0;

  constructor(
    private readonly engine: Engine,
    private readonly id: string,
    private readonly task: Task,
    private readonly signal: AbortSignal,
  ) {}

  /** All of stderr, if it is little. */
  get stderr(): string {
    return this.taken.stderr > KEPT ? '' : Buffer.concat(this.kept).toString('utf8');
  }

  /** From an attached connection, to its end. @throws EngineAway when it breaks */
  async carry(response: IncomingMessage): Promise<void> {
    await this.take(response, { stdout: 0, stderr: 0 });
  }

  /**
   * From the engine's log, what has not been taken yet, to the container's end.
   * @throws EngineAway when the connection breaks
   */
  async catchUp(): Promise<void> {
    const total = this.taken.stdout + this.taken.stderr;
    const since = total > COUNTED ? this.lastTaken / 1000 : undefined;
    const skip = since === undefined ? { ...this.taken } : { stdout: 0, stderr: 0 };
    let response: IncomingMessage;
    try {
      response = await this.engine.logs(this.id, { follow: true, since }, this.signal);
    } catch (error) {
      // Removed meanwhile, or the engine keeps no log that it can read: there is no more to be had.
      if (error instanceof EngineRefusal) return;
      throw error;
    }
    await this.take(response, skip);
  }

  /** @param skip so many bytes of each were taken before; counted down */
  private async take(response: IncomingMessage, skip: Record<OutputStream, number>): Promise<void> {
    const frames = new Frames();
    for await (const chunk of bytesOf(response)) {
      for (const { stream, bytes } of frames.push(chunk)) {
        const known = Math.min(skip[stream], bytes.length);
        skip[stream] -= known;
        if (known === bytes.length) continue;
        const news = bytes.subarray(known);
        if (stream === 'stderr' && this.taken.stderr <= KEPT) this.kept.push(Buffer.from(news));
        this.taken[stream] += news.length;
        this.lastTaken = Date.now();
        const pause = this.task.output(stream, news);
        if (pause) await pause;
      }
    }
  }
}
