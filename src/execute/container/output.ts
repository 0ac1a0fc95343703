import type { IncomingMessage } from 'node:http';
import type { OutputStream, Task } from '../executor.js';
import { bytesOf } from './engine/connection.js';
import type { Engine } from './engine/engine.js';
import { EngineRefusal } from './engine/failure.js';
import { Frames } from './engine/frames.js';

/** Bytes of stderr to keep: enough for an init process's message that it cannot start a program. */
const KEPT = 4096;
/** An engine may be set to keep only the last megabytes of a log: beyond this size, counting from its beginning could be wrong. */
const COUNTED = 8 * 1024 * 1024;

/**
 * Passes on a container's output, no faster than it is taken. When the connection breaks, reads what was missed from the engine's log, by
 * the count of bytes taken.
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

  /** Reads an attached connection to its end. @throws EngineAway when it breaks */
  async carry(response: IncomingMessage): Promise<void> {
    await this.take(response, { stdout: 0, stderr: 0 });
  }

  /**
   * Reads the rest from the engine's log, to the container's end.
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
      // The container was removed, or the engine keeps no readable log: there is no more output.
      if (error instanceof EngineRefusal) return;
      throw error;
    }
    await this.take(response, skip);
  }

  /** @param skip bytes of each stream taken before; counted down */
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
