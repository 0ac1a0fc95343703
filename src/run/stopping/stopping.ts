import { Once } from '../../async/once.js';
import { after } from '../../async/timer.js';

/** How long, in ms, the runner still waits for an unreachable queue once it was told to end at once. */
const LAST_CHANCE = 1000;

/** The stages of a runner's end, each harsher than the one before. None can be undone. */
export class Stopping {
  private readonly drainer = new AbortController();
  private readonly interrupter = new AbortController();

  /** Aborted: claim no more jobs. */
  readonly draining: AbortSignal = this.drainer.signal;
  /** End running jobs, gently first. */
  readonly interrupted = new Once();
  /** The same, for rare and long waits. */
  readonly interrupting: AbortSignal = this.interrupter.signal;
  /** Kill running jobs. */
  readonly killed = new Once();
  /** Leave jobs running that can go on without a runner. */
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

  /** Waits for the queue; once jobs are killed, only briefly, and then settles with `otherwise`. A late result is dropped. */
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
