import { setTimeout } from 'node:timers/promises';
import { Throttle } from '../../../async/throttle.js';

/** Work is followed by this many times what it took of doing something else. */
const REST = 5;
/** But not by more, in ms: the queue may lie on a server that did not answer. */
const LONGEST_REST = 10_000;

/**
 * A costly look that many ask for at the same time: all who ask while one is under way share the next one, which begins after they
 * asked. However many ask, it takes a small share of the time.
 */
export class SharedQuery<T> {
  private next: Promise<T> | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private readonly rest = new Throttle(REST, LONGEST_REST);

  constructor(private readonly look: () => Promise<T>) {}

  get(): Promise<T> {
    this.next ??= this.last.then(() => this.lookInTurn());
    return this.next;
  }

  private async lookInTurn(): Promise<T> {
    const { left } = this.rest;
    if (left > 1) await setTimeout(left);
    const began = performance.now();
    const looking = this.look();
    // Who asks from here on may have done something that this look does not see.
    this.next = undefined;
    this.last = looking.then(ignore, ignore);
    try {
      return await looking;
    } finally {
      this.rest.ended(began);
    }
  }
}

const ignore = (): void => undefined;
