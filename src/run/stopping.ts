import { setMaxListeners } from 'node:events';

/** How a runner comes to its end, each step harsher than the one before. There is no way back. */
export class Stopping {
  private readonly drainer = unlimited();
  private readonly interrupter = unlimited();
  private readonly killer = unlimited();

  /** Aborted: claim no more jobs. */
  readonly draining: AbortSignal = this.drainer.signal;
  /** Aborted: end the jobs that run, gently first. */
  readonly interrupted: AbortSignal = this.interrupter.signal;
  /** Aborted: end them at once. */
  readonly killed: AbortSignal = this.killer.signal;

  drain(): void {
    this.drainer.abort();
  }

  interrupt(): void {
    this.drain();
    this.interrupter.abort();
  }

  kill(): void {
    this.interrupt();
    this.killer.abort();
  }
}

/** Every running job listens: that is no leak. */
function unlimited(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
