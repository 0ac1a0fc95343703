/** A closed terminal, Ctrl-C, and a request to end. */
const ENDING = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Does work that must not stop halfway: a signal that would end the program takes effect afterwards, a second one at once. */
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
    // Signals that arrived while the work kept the event loop busy are delivered in its next turns.
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
    release();
  }
}
