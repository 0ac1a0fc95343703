import { Worker } from 'node:worker_threads';
import { after } from '../../../async/timer.js';
import { formatDuration } from '../../../job/duration.js';
import type { ClientSettings } from '../connection/settings.js';
import { RENEW } from '../scripts/leases.js';
import type { Script } from '../scripts/script.js';

/** Data for the thread. */
export interface ThreadData {
  readonly settings: ClientSettings;
  readonly script: Script;
  readonly keys: readonly string[];
  readonly runner: string;
  /** Of the lease, in ms. */
  readonly duration: number;
  /** Time of the first claim request, by `monotonicNow`. */
  readonly since: number;
}

/** In ms, by a clock that all threads share. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

type FromThread =
  | { readonly type: 'renewed' }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'lost'; readonly how: 'gone' | 'stopped'; readonly ms: number }
  | { readonly type: 'answer'; readonly isHeld: boolean };

/** One lease of a runner, from its first claim until it leaves or loses it. A runner that has lost one continues with another. */
export class Presence {
  /** Why its claims are lost; undefined while it holds. */
  lost: string | undefined;
  private thread: Worker | undefined;
  private readonly questions: ((isHeld: boolean) => void)[] = [];
  private renewedAt = performance.now();
  private isFailureTold = false;

  /** Renews until the thread has done so for the first time. */
  private bridge: NodeJS.Timeout | undefined;

  /** @param renew renews an unexpired lease, over the runner's own connection · @param tell receives messages for the user */
  constructor(
    private readonly data: Omit<ThreadData, 'script' | 'since'>,
    private readonly renew: (runner: string, duration: number) => Promise<unknown>,
    private readonly tell: (message: string, hint: string) => void,
  ) {}

  get runner(): string {
    return this.data.runner;
  }

  get duration(): number {
    return this.data.duration;
  }

  /** Whether a claim was made under it. */
  get isRegistered(): boolean {
    return this.thread !== undefined;
  }

  /** Renews from now on. @param since time of the first claim request, by `monotonicNow` */
  begin(since: number): void {
    if (this.thread) return;
    this.renewedAt = performance.now();
    const workerData: ThreadData = { ...this.data, since, script: RENEW };
    this.thread = new Worker(new URL('./lease-thread.js', import.meta.url), { workerData });
    this.thread.unref();
    this.bridge = setInterval(() => void this.renew(this.runner, this.duration).catch(() => undefined), this.duration / 3).unref();
    this.thread.on('message', (message: FromThread) => this.hear(message));
    this.thread.on('error', (error: Error) => this.lose(`the lease cannot be renewed: ${error.message}`));
    this.thread.on('exit', () => {
      if (this.thread) this.lose('the lease is renewed no more: its thread has ended');
    });
  }

  /**
   * After Redis reports the lease as expired: whether it holds nevertheless, because only the connection or Redis was away.
   * @param within false after this long, in ms: Redis is away again
   */
  async isStillHeld(within: number): Promise<boolean> {
    if (this.lost !== undefined || this.thread === undefined) return false;
    const { thread } = this;
    return await new Promise(resolve => {
      const callOff = after(within, () => resolve(false));
      this.questions.push(isHeld => {
        callOff();
        resolve(isHeld);
      });
      thread.postMessage('renew');
    });
  }

  async end(): Promise<void> {
    const { thread } = this;
    clearInterval(this.bridge);
    this.thread = undefined;
    await thread?.terminate();
    this.answerAll(false);
  }

  private hear(message: FromThread): void {
    switch (message.type) {
      case 'renewed':
        clearInterval(this.bridge);
        this.renewedAt = performance.now();
        this.isFailureTold = false;
        return;
      case 'answer':
        this.answerAll(message.isHeld);
        return;
      case 'failed':
        this.noteFailure(message.message);
        return;
      case 'lost': {
        const limit = formatDuration(this.duration);
        const why =
          message.how === 'stopped'
            ? `this runner was stopped for ${formatDuration(Math.round(message.ms))}, longer than its lease of ${limit}`
            : `Redis has no lease of this runner any more: it ran out (${limit}) and was cleared away, or Redis has lost it`;
        this.lose(why);
      }
    }
  }

  private lose(why: string): void {
    if (this.lost !== undefined) return;
    clearInterval(this.bridge);
    this.lost = why;
    this.tell(`${why}: its claims are lost`, 'jobs that it runs may be run by others once they are reclaimed; their results are refused');
    this.answerAll(false);
  }

  /** Reports once, until a renewal succeeds again. A short time without one is no reason for alarm. */
  private noteFailure(why: string): void {
    const { duration } = this;
    if (this.isFailureTold || performance.now() - this.renewedAt < duration) return;
    this.isFailureTold = true;
    this.tell(
      `the lease of the jobs that run here cannot be renewed: ${why}`,
      `they run on; others may take them for orphans after ${formatDuration(duration)}, and run them again`,
    );
  }

  private answerAll(isHeld: boolean): void {
    for (const answer of this.questions.splice(0)) answer(isHeld);
  }
}
