import { fits, less, more, type Needs, type Share } from '../../job/needs.js';

/** The CPUs, memory and GPUs that one runner has to hand out. Counts only: executors enforce what they can. */
export class Resources {
  /** What there is in all. */
  readonly capacity: Needs;
  private readonly shares = new Set<Share>();
  private readonly gpuIds: readonly string[];
  private room: Needs;

  /**
   * @param host CPUs (fractions are counted to a thousandth), bytes of memory, and any other amounts; GPUs only where
   *   they are not given out by their ids
   * @param gpus the ids of the GPUs, as in CUDA_VISIBLE_DEVICES; those listed first are handed out first, one listed twice is still one
   */
  constructor(host: Needs, gpus: readonly string[]) {
    this.gpuIds = [...new Set(gpus)];
    this.capacity = { gpus: this.gpuIds.length, ...host };
    this.room = this.capacity;
  }

  /** What is not handed out now. */
  get free(): Needs {
    return this.room;
  }

  /** Takes what a job needs: all of it, or nothing and undefined when it does not fit now. */
  take(needs: Needs): Share | undefined {
    if (!fits(needs, this.room)) return undefined;
    return this.hold({ needs, gpus: needs.gpus ? this.freeGpus().slice(0, needs.gpus) : [] });
  }

  /** Counts a share that was decided elsewhere, by a scheduler or an earlier runner, whether or not it fits. */
  hold(share: Share): Share {
    this.shares.add(share);
    this.room = less(this.room, share.needs);
    return share;
  }

  /**
   * Gives a share back.
   *
   * @throws RangeError when it is not held: a mistake of the caller, who would make room that is not there
   */
  give(share: Share): void {
    if (!this.shares.delete(share)) throw new RangeError('this share is not held, or was given back before');
    this.room = more(this.room, share.needs);
  }

  private freeGpus(): string[] {
    const taken = new Set([...this.shares].flatMap(share => share.gpus));
    return this.gpuIds.filter(gpu => !taken.has(gpu));
  }
}
