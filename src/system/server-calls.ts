import { Semaphore } from '../async/semaphore.js';

/**
 * How many calls may wait for a file server at once. Each takes one of Node's four pool threads; one stays free for job output, which must
 * not wait for a server.
 */
const MOST = 3;

const places = new Semaphore(MOST);

/** Starts work that a file server may delay for seconds, once few enough such calls are in progress. */
export function atServer<T>(work: () => Promise<T>): Promise<T> {
  return places.run(work);
}

/** The same for a call that takes a callback. */
export function callServer<T>(call: (done: (error: unknown, value: T) => void) => void): Promise<T> {
  return atServer(() => new Promise<T>((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value)))));
}
