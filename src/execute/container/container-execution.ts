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

/** As many characters of a container's id as engines show in lists. */
const SHORT = 12;
/** A connection that carries output ends with its container, or with its engine: which it was is known so soon, in ms, or asked. */
const SOON = 500;

/** A container, and what its executor does for whom follows it. */
export interface Followed {
  readonly engine: Engine;
  readonly id: string;
  readonly outage: Outage;
  /** Removes it, now or when the engine is back. */
  remove(): Promise<void>;
  /** It is not followed any more. */
  letGo(): void;
}

/** How it was begun: by a connection that carries all that it prints, or by an earlier runner, in ms since 1970. */
export type Beginning = { readonly attached: IncomingMessage } | { readonly start: number };

/** A container that was started: its output, its end, and how it is told to end. */
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

  /** @param stopping ends all that is waited for; `attached` heeds it, too */
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
        // An engine that cannot end it says so; the runner gives up in time.
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

  /** Not waited for: the slot's next job need not. What is not removed is, when the executor is closed, or by the next runner. */
  async forget(): Promise<void> {
    void this.container.remove();
  }

  private async follow(attached: IncomingMessage | undefined): Promise<Exit> {
    const first = attached ? this.carry(attached) : setImmediate();
    const ending = endingOf(this.container, first, () => this.isKilled, this.stopping.signal).then(found => {
      this.ended = found;
    });
    const all = Promise.all([ending, first.then(() => this.catchUp(ending, attached !== undefined))]).then(() => true);
    // Only what the engine's absence brings about is borne, and that shows in how the container has ended.
    const isFollowed = await Promise.race([all, this.abandoned]).catch((error: unknown) => {
      if (error instanceof EngineAway || error instanceof EngineRefusal) return false;
      throw error;
    });
    all.catch(() => undefined);
    // The runner that comes next follows it; for this one it never ends.
    if (this.isDetached) return await new Promise<never>(() => undefined);
    if (!isFollowed) this.stopping.abort();
    return this.ended ? this.exitAfter(this.ended) : this.unknown();
  }

  /** Until the connection ends: with the container, or with its engine. */
  private async carry(attached: IncomingMessage): Promise<void> {
    // The runner has to know of the task before it hears it.
    await setImmediate();
    try {
      await this.output.carry(attached);
    } catch (error) {
      if (!(error instanceof EngineAway)) throw error;
    }
  }

  /** Settles when all that it has printed was taken. @param isComplete whether that is so if the container ends now, and its engine stays */
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
