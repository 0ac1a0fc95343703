import type { Once } from '../async/once.js';
import type { Listener, RunEvent } from './events.js';

/** The listeners of a run, and how long the run waits for them. */
export class Listeners {
  constructor(
    private readonly listeners: readonly Listener[],
    private readonly interrupted: Once,
  ) {}

  /**
   * Passes an event to all listeners. A promise asks for a pause until it settles. Once the jobs are to end, only their output waits: other
   * events are few, and a stalled reader must not keep their states from being written.
   */
  tell(event: RunEvent): void | Promise<void> {
    let all: Promise<void> | undefined;
    for (const listener of this.listeners) {
      const one = listener(event);
      if (one instanceof Promise) all = all ? Promise.all([all, one]).then(() => undefined) : one;
    }
    return all === undefined || event.type === 'output' ? all : this.unlessInterrupted(all);
  }

  private unlessInterrupted(all: Promise<void>): Promise<void> {
    return new Promise(resolve => {
      const callOff = this.interrupted.listen(resolve);
      void all.then(() => {
        callOff();
        resolve();
      });
    });
  }
}
