import { Once } from '../../async/once.js';
import { after } from '../../async/timer.js';

/** How long, in ms, the runner still waits for a queue that cannot be reached after it was told to end at once. */
const LAST_CHANCE = 1000;

/** How a runner comes to its end, each step harsher than the one before. There is no way back. */
export class Stopping {
  private readonly drainer = new AbortController();
  private readonly interrupter = new AbortController();

  /** Aborted: claim no more jobs. */
  readonly draining: AbortSignal = this.drainer.signal;
  /** End the jobs that run, gently first. */
  readonly interrupted = new Once();
  /** The same, for what waits long, and seldom. */
  readonly interrupting: AbortSignal = this.interrupter.signal;
  /** End them at once. */
  readonly killed = new Once();
  /** Leave those running that can go on without a runner. */
  readonly detached = new Once();

  drain(): void {
    this.drainer.abort();
  }

  detach(): void {
    this.drain();
    this.detached.happen();
  }

  interrupt(): void {
    this.drain();
    this.interrupted.happen();
    this.interrupter.abort();
  }

  kill(): void {
    this.interrupt();
    this.killed.happen();
  }

  /** Waits for the queue; once jobs are killed, only for a last moment, and then settles with `otherwise`. A late result is dropped. */
  async orGiveUp<T>(work: Promise<T>, otherwise: T): Promise<T> {
    const calledOff: (() => void)[] = [];
    const givenUp = new Promise<T>(resolve => {
      calledOff.push(this.killed.listen(() => calledOff.push(after(LAST_CHANCE, () => resolve(otherwise)))));
    });
    try {
      return await Promise.race([work, givenUp]);
    } finally {
      for (const callOff of calledOff) callOff();
    }
  }
}
