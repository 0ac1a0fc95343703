import { gpuResourcesOf, gpuTypeOf } from '../../job/gpu-type.js';
import { fits, less, more, type Needs, type Share } from '../../job/needs.js';
import type { Gpu } from '../../system/gpus.js';

/** The CPUs, memory and GPUs that one runner hands out. Counts only: executors enforce what they can. */
export class Resources {
  /** The total. */
  readonly capacity: Needs;
  private readonly shares = new Set<Share>();
  private readonly gpus: ReadonlyMap<string, readonly string[]>;
  private room: Needs;

  /**
   * @param host CPUs (fractions are counted to a thousandth), bytes of memory, and any other amounts; GPUs only where
   *   they are not handed out by id
   * @param gpus the GPUs, with ids as in CUDA_VISIBLE_DEVICES, handed out in this order; duplicates count once
   */
  constructor(host: Needs, gpus: readonly (Gpu | string)[]) {
    this.gpus = new Map(gpus.map(gpu => (typeof gpu === 'string' ? [gpu, []] : [gpu.id, gpuResourcesOf(gpu.name)])));
    this.capacity = { gpus: this.gpus.size, ...this.countTypes([...this.gpus.keys()]), ...host };
    this.room = this.capacity;
  }

  /** What is available now. */
  get free(): Needs {
    return this.room;
  }

  /** Takes what a job needs: all of it, or nothing and undefined when it does not fit now. */
  take(needs: Needs): Share | undefined {
    if (!fits(needs, this.room)) return undefined;
    if (!needs.gpus) return this.hold({ needs, gpus: [] });
    const type = Object.keys(needs).find(name => gpuTypeOf(name) !== undefined);
    const suitable = this.freeGpus().filter(gpu => type === undefined || this.gpus.get(gpu)?.includes(type));
    return this.hold({ needs, gpus: suitable.slice(0, needs.gpus) });
  }

  /** Counts a share that a scheduler or an earlier runner has granted, whether or not it fits. */
  hold(share: Share): Share {
    this.shares.add(share);
    this.room = this.withTypes(less(this.room, share.needs));
    return share;
  }

  /**
   * Returns a share.
   *
   * @throws RangeError when it is not held: a caller's error that would create room out of nothing
   */
  give(share: Share): void {
    if (!this.shares.delete(share)) throw new RangeError('this share is not held, or was given back before');
    this.room = this.withTypes(more(this.room, share.needs));
  }

  private freeGpus(): string[] {
    const taken = new Set([...this.shares].flatMap(share => share.gpus));
    return [...this.gpus.keys()].filter(gpu => !taken.has(gpu));
  }

  /** A device in use counts under all of its names, whichever of them was asked for. */
  private withTypes(room: Needs): Needs {
    if (this.gpus.size === 0) return room;
    const none = Object.fromEntries([...this.gpus.values()].flat().map(name => [name, 0]));
    return { ...room, ...none, ...this.countTypes(this.freeGpus()) };
  }

  private countTypes(gpus: readonly string[]): Needs {
    const counts: Record<string, number> = {};
    for (const name of gpus.flatMap(gpu => this.gpus.get(gpu) ?? [])) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }
}
