import type { Once } from '../async/once.js';
import type { Listener, RunEvent } from './events.js';

/** Those who listen to a run, and how long it waits for them. */
export class Listeners {
  constructor(
    private readonly listeners: readonly Listener[],
    private readonly interrupted: Once,
  ) {}

  /**
   * Tells all of them. A promise asks for a pause until it settles. Once the jobs are to end, only their output waits: what is still
   * to be told about them is little, and a reader who does not read must not keep their states from being written.
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
