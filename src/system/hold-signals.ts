/** A terminal that is closed, Ctrl-C, and a request to end. */
const ENDING = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Does something that must not be left half done: a signal that ends the program ends it afterwards, and a second one at once. */
export async function withSignalsHeld<T>(work: () => Promise<T>): Promise<T> {
  let held: NodeJS.Signals | undefined;
  const release = (): void => {
    for (const signal of ENDING) process.off(signal, hold);
    if (held) process.kill(process.pid, held);
  };
  const hold = (signal: NodeJS.Signals): void => {
    if (held) release();
    held = signal;
  };
  for (const signal of ENDING) process.on(signal, hold);
  try {
    return await work();
  } finally {
    // Signals that came while the work kept the event loop busy are heard in its next turns.
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
    release();
  }
}
