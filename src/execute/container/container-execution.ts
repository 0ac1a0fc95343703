import type { IncomingMessage } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { hostName } from '../../system/host.js';
import type { Execution, Exit, Task } from '../executor.js';
import { type Ending, endingOf } from './ending.js';
import type { Engine } from './engine/engine.js';
import { EngineAway, EngineRefusal } from './engine/failure.js';
import { exitOf } from './exit-of.js';
import type { Outage } from './outage.js';
import { ContainerOutput } from './output.js';

/** Length of a container id in the engines' lists. */
const SHORT = 12;
/** An output connection ends with its container or with its engine: within this time, in ms, it is known or asked which. */
const SOON = 500;

/** A container, and its executor's services to the execution that follows it. */
export interface Followed {
  readonly engine: Engine;
  readonly id: string;
  readonly outage: Outage;
  /** Removes it, now or when the engine is back. */
  remove(): Promise<void>;
  /** It is no longer followed. */
  letGo(): void;
}

/** How it started: with a connection that carries all of its output, or under an earlier runner, in ms since 1970. */
export type Beginning = { readonly attached: IncomingMessage } | { readonly start: number };

/** A started container: its output, its end, and the signals to it. */
export class ContainerExecution implements Execution {
  readonly handle: string;
  readonly label: string;
  readonly start: number | undefined;
  readonly exit: Promise<Exit>;
  private readonly output: ContainerOutput;
  private readonly abandoned: Promise<false>;
  private readonly began = Date.now();
  private isDetached = false;
  private isKilled = false;
  private ended: Ending | undefined;
  private killing: Promise<void> = Promise.resolve();

  /** @param stopping ends all waiting, also that of `attached` */
  constructor(
    private readonly container: Followed,
    task: Task,
    private readonly stopping: AbortController,
    beginning: Beginning,
  ) {
    const { engine, id } = container;
    const { signal } = stopping;
    this.handle = id;
    this.label = `${hostName()},${id.slice(0, SHORT)}`;
    this.start = 'start' in beginning ? beginning.start : undefined;
    this.output = new ContainerOutput(engine, id, task, signal);
    this.abandoned = new Promise(resolve => signal.addEventListener('abort', () => resolve(false), { once: true }));
    this.exit = this.follow('attached' in beginning ? beginning.attached : undefined);
  }

  kill(signal: NodeJS.Signals): void {
    this.isKilled = true;
    this.killing = this.killing.then(async () => {
      try {
        await this.container.outage.patiently(
          () => this.container.engine.kill(this.handle, signal),
          () => this.ended !== undefined || this.stopping.signal.aborted,
        );
      } catch (error) {
        // An engine that cannot send the signal reports it; the runner gives up in time.
        if (!(error instanceof EngineAway) && !(error instanceof EngineRefusal)) throw error;
      }
    });
  }

  abandon(): void {
    this.stopping.abort();
  }

  async detach(): Promise<void> {
    this.isDetached = true;
    this.container.letGo();
    this.stopping.abort();
  }

  /**
   * Not awaited: the slot's next job need not wait. A container not removed now is removed when the executor closes, or by the next runner.
   */
  async forget(): Promise<void> {
    void this.container.remove();
  }

  private async follow(attached: IncomingMessage | undefined): Promise<Exit> {
    const first = attached ? this.carry(attached) : setImmediate();
    const ending = endingOf(this.container, first, () => this.isKilled, this.stopping.signal).then(found => {
      this.ended = found;
    });
    const all = Promise.all([ending, first.then(() => this.catchUp(ending, attached !== undefined))]).then(() => true);
    // Tolerates only effects of the engine's absence, which show in the container's end.
    const isFollowed = await Promise.race([all, this.abandoned]).catch((error: unknown) => {
      if (error instanceof EngineAway || error instanceof EngineRefusal) return false;
      throw error;
    });
    all.catch(() => undefined);
    // The next runner follows it; for this one it never ends.
    if (this.isDetached) return await new Promise<never>(() => undefined);
    if (!isFollowed) this.stopping.abort();
    return this.ended ? this.exitAfter(this.ended) : this.unknown();
  }

  /** Until the connection ends: with the container, or with its engine. */
  private async carry(attached: IncomingMessage): Promise<void> {
    // The runner must learn of the task before its output.
    await setImmediate();
    try {
      await this.output.carry(attached);
    } catch (error) {
      if (!(error instanceof EngineAway)) throw error;
    }
  }

  /** Settles when all of its output was taken. @param isComplete whether that is so if the container ends now and its engine stays */
  private async catchUp(ending: Promise<void>, isComplete: boolean): Promise<void> {
    for (let since = isComplete ? this.began : undefined; !this.stopping.signal.aborted; ) {
      if (since !== undefined) {
        await Promise.race([ending, setTimeout(SOON, undefined, { ref: false })]);
        if (this.ended && !this.container.outage.wasAwaySince(since)) return;
      }
      since = Date.now();
      await this.container.outage.patiently(
        () => this.output.catchUp(),
        () => this.stopping.signal.aborted,
      );
    }
  }

  private exitAfter(ending: Ending): Exit {
    switch (ending.kind) {
      case 'succeeded':
        return { kind: 'exited', code: 0 };
      case 'removed':
        return { kind: 'lost', reason: 'its container was removed from outside' };
      case 'ended':
        return exitOf(ending.inspected, {
          stderr: this.output.stderr,
          isTakenOver: this.start !== undefined,
          wasEngineAway: time => !this.isKilled && this.container.outage.wasAwaySince(time),
        });
    }
  }

  private unknown(): Exit {
    return { kind: 'lost', reason: `container ${this.handle.slice(0, SHORT)} could not be followed to its end` };
  }
}
