import { setTimeout } from 'node:timers/promises';
import type { Engine } from './engine/engine.js';
import { EngineAway, isMissing } from './engine/failure.js';
import type { Inspected } from './engine/replies.js';
import type { Outage } from './outage.js';

/** An engine that was killed and restarted never answers an earlier wait. How often, in ms, the container itself is inspected. */
const LOOK_EVERY = 30_000;
/** An output that ends usually means that its container has. How soon after that, in ms, it is inspected. */
const SOON = 1000;
/**
 * A removal from outside kills the container first, and a stopping engine ends its containers first. How soon after that, in ms, it is
 * inspected again.
 */
const AGAIN = 500;
/** Exit codes after KILL and TERM. */
const ENDED_BY_SIGNAL: ReadonlySet<number> = new Set([137, 143]);

/** How a container ended. */
export type Ending =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'ended'; readonly inspected: Inspected }
  /** It no longer exists, and its exit is unknown. */
  | { readonly kind: 'removed' };

/**
 * Waits until a container has ended, through outages of its engine.
 * @param silent settles when its outputs have ended · @param killedHere whether this runner has sent it a signal
 * @param signal gives up: the promise then rejects
 */
export async function endingOf(
  { engine, id, outage }: { readonly engine: Engine; readonly id: string; readonly outage: Outage },
  silent: Promise<unknown>,
  killedHere: () => boolean,
  signal: AbortSignal,
): Promise<Ending> {
  let soon: Promise<undefined> | undefined = silent.then(() => setTimeout(SOON, undefined));
  while (!signal.aborted) {
    const waiting = new AbortController();
    const pausing = new AbortController();
    const abort = (): void => waiting.abort();
    signal.addEventListener('abort', abort, { once: true });
    let isAnswered = false;
    const wait = outage
      .watch(() => engine.wait(id, waiting.signal))
      .finally(() => {
        isAnswered = true;
      });
    try {
      const code = await Promise.race([wait, ...(soon ? [soon] : []), pause(LOOK_EVERY, pausing.signal)]);
      if (code === 0) return { kind: 'succeeded' };
      if (code === undefined) soon = undefined;
    } catch (error) {
      if (signal.aborted) break;
      // The inspection below detects a removed container, and what happened to it while its engine was away.
      if (!(error instanceof EngineAway) && !isMissing(error)) throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      pausing.abort();
      wait.catch(() => undefined);
      // A connection that has carried its answer is reused.
      if (!isAnswered) waiting.abort();
    }
    const ending = await look(engine, id, outage, signal);
    if (ending && isSignalled(ending) && !killedHere()) {
      await setTimeout(AGAIN);
      await outage.patiently(
        () => engine.ping(),
        () => signal.aborted,
      );
      return (await look(engine, id, outage, signal)) ?? ending;
    }
    if (ending) return ending;
  }
  throw new EngineAway('waiting was given up');
}

function isSignalled(ending: Ending): boolean {
  return ending.kind === 'ended' && ENDED_BY_SIGNAL.has(ending.inspected.State.ExitCode) && !ending.inspected.State.OOMKilled;
}

/** Undefined while it runs. */
async function look(engine: Engine, id: string, outage: Outage, signal: AbortSignal): Promise<Ending | undefined> {
  try {
    const inspected = await outage.patiently(
      () => engine.inspect(id),
      () => signal.aborted,
    );
    if (inspected.State.Status === 'removing') return { kind: 'removed' };
    return hasEnded(inspected) ? { kind: 'ended', inspected } : undefined;
  } catch (error) {
    if (isMissing(error)) return { kind: 'removed' };
    throw error;
  }
}

/** Whether it was started and no longer runs. */
export function hasEnded({ State: { Running: isRunning, Status } }: Inspected): boolean {
  return !isRunning && Status !== 'created' && Status !== 'restarting';
}

async function pause(ms: number, signal: AbortSignal): Promise<undefined> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
  return undefined;
}
