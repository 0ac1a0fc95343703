import { setTimeout } from 'node:timers/promises';
import { RunmakerError } from '../../errors.js';
import { formatDuration } from '../../job/duration.js';
import { formatSize } from '../../job/size.js';
import type { Engine } from './engine/engine.js';
import { EngineAway, EngineRefusal } from './engine/failure.js';
import type { PullProgress } from './engine/replies.js';

/** Between two progress reports of a pull, in ms. */
const REPORT_EVERY = 2000;
/** How long, in ms, a failed pull is not repeated: many jobs may want the image. */
const REMEMBER_FAILURE = 30_000;
/** A registry or a network may be away for a moment: the number of tries, and the ms between them. */
const TRIES = 3;
const PAUSE = 1000;

interface Pull {
  readonly done: Promise<void>;
  readonly listeners: Set<(text: string) => void>;
}

/** Pulls images, each once for all jobs that wait for it. */
export class Images {
  private readonly pulls = new Map<string, Pull>();
  private readonly closing = new AbortController();

  /** @param limit how long a pull may take, in ms */
  constructor(
    private readonly engine: Engine,
    private readonly limit: number,
  ) {}

  /**
   * Settles when the image is there.
   * @param tell receives the progress as text
   * @param signal ends the waiting, not the pull: other jobs may wait as well
   * @throws RunmakerError `start` when the image is not available
   */
  async pull(image: string, tell: (text: string) => void, signal: AbortSignal | undefined): Promise<void> {
    const pull = this.pulls.get(image) ?? this.begin(image);
    tell(`pulling ${image}`);
    pull.listeners.add(tell);
    try {
      await orAborted(pull.done, image, signal);
    } finally {
      pull.listeners.delete(tell);
    }
  }

  /** Aborts all pulls. */
  close(): void {
    this.closing.abort();
  }

  private begin(image: string): Pull {
    const listeners = new Set<(text: string) => void>();
    const done = this.run(image, text => {
      for (const listener of listeners) listener(text);
    });
    const pull = { done, listeners };
    this.pulls.set(image, pull);
    const forget = (): void => void (this.pulls.get(image) === pull && this.pulls.delete(image));
    done.then(forget, () => globalThis.setTimeout(forget, REMEMBER_FAILURE).unref());
    return pull;
  }

  private async run(image: string, tell: (text: string) => void): Promise<void> {
    const limit = AbortSignal.timeout(this.limit);
    for (let tried = 1; ; tried++) {
      try {
        return await this.once(image, tell, AbortSignal.any([limit, this.closing.signal]));
      } catch (error) {
        if (this.closing.signal.aborted) throw new RunmakerError('start', `the pull of image ${image} was given up`);
        if (limit.aborted) throw new RunmakerError('start', `image ${image} could not be pulled within ${formatDuration(this.limit)}`);
        if (!(error instanceof EngineAway) && !(error instanceof EngineRefusal)) throw error;
        const isFinal = error instanceof EngineRefusal && error.status < 500;
        if (isFinal || tried === TRIES)
          throw new RunmakerError('start', `image ${image} cannot be pulled: ${error.message}`, { cause: error });
      }
      await setTimeout(PAUSE);
    }
  }

  private async once(image: string, tell: (text: string) => void, signal: AbortSignal): Promise<void> {
    const layers = new Map<string, { current: number; total: number }>();
    let reported = performance.now();
    for await (const progress of this.engine.pull(image, signal)) {
      if (progress.error !== undefined) throw new EngineRefusal(500, progress.error);
      note(layers, progress);
      if (performance.now() - reported < REPORT_EVERY) continue;
      reported = performance.now();
      tell(`pulling ${image}${sumOf(layers)}`);
    }
  }
}

function note(layers: Map<string, { current: number; total: number }>, { status, id, progressDetail }: PullProgress): void {
  if (id === undefined) return;
  const known = layers.get(id);
  if (status === 'Downloading' && progressDetail?.total) {
    layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total });
  } else if (known && (status === 'Download complete' || status === 'Pull complete')) {
    known.current = known.total;
  }
}

function sumOf(layers: Map<string, { current: number; total: number }>): string {
  const all = [...layers.values()];
  if (all.length === 0) return '';
  const sum = (which: 'current' | 'total'): string => formatSize(all.reduce((amount, layer) => amount + layer[which], 0));
  return `: ${sum('current')} of ${sum('total')} in ${all.length} layers`;
}

function orAborted(done: Promise<void>, image: string, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return done;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new RunmakerError('start', `interrupted while image ${image} was pulled`));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    done.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
