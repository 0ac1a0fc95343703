/**
 * How many calls may wait for a file server at once. Each takes one of the four threads that Node has for such work; one is
 * left for the output of jobs, which must not come to wait for a server.
 */
const MOST = 3;

let underWay = 0;
const waiting: (() => void)[] = [];

/** Starts work that a file server may keep for seconds, as soon as few enough others are under way. */
export async function atServer<T>(work: () => Promise<T>): Promise<T> {
  if (underWay === MOST) await new Promise<void>(resolve => waiting.push(resolve));
  else underWay++;
  try {
    return await work();
  } finally {
    // The place goes to whoever waits longest, or is given up.
    const next = waiting.shift();
    if (next) next();
    else underWay--;
  }
}

/** The same for a call that takes a callback. */
export function callServer<T>(call: (done: (error: unknown, value: T) => void) => void): Promise<T> {
  return atServer(() => new Promise<T>((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value)))));
}
