import { setTimeout } from 'node:timers/promises';
import { Throttle } from '../../../async/throttle.js';

/** The pause after a query, as a multiple of the time that it took. */
const REST = 5;
/** But no longer than this, in ms: the queue may lie on a server that did not answer. */
const LONGEST_REST = 10_000;

/**
 * A costly query that many clients make at the same time. Requests that come while one is running share the next one, which begins after
 * them. However many come, the query takes a small share of the time.
 */
export class SharedQuery<T> {
  private next: Promise<T> | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private readonly rest = new Throttle(REST, LONGEST_REST);

  constructor(private readonly query: () => Promise<T>) {}

  get(): Promise<T> {
    this.next ??= this.last.then(() => this.runInTurn());
    return this.next;
  }

  private async runInTurn(): Promise<T> {
    const { left } = this.rest;
    if (left > 1) await setTimeout(left);
    const began = performance.now();
    const running = this.query();
    // A client that asks from here on may have made a change that this query does not see.
    this.next = undefined;
    this.last = running.then(ignore, ignore);
    try {
      return await running;
    } finally {
      this.rest.ended(began);
    }
  }
}

const ignore = (): void => undefined;
