import type { Needs } from '../job/directives.js';
import { fits, thousandthsOfCpus } from '../job/needs.js';

/** What one job was given for as long as it runs. Handed back whole, to the `Resources` that it came from. */
export interface Share {
  readonly needs: Needs;
  /** Ids of the job's own GPUs, as CUDA_VISIBLE_DEVICES lists them; empty when it asked for none. */
  readonly gpus: readonly string[];
}

/** The CPUs, memory and GPUs that one runner has to hand out. Counts only: nothing is enforced. */
export class Resources {
  /** What there is in all. */
  readonly capacity: Needs;
  private readonly shares = new Set<Share>();
  private readonly gpuIds: readonly string[];
  /** Thousandths. */
  private cpusTaken = 0;
  /** Bytes. */
  private memTaken = 0;

  /**
   * @param host CPUs (fractions are counted to a thousandth) and bytes of memory
   * @param gpus the ids of the GPUs, as in CUDA_VISIBLE_DEVICES; those listed first are handed out first, one listed twice is still one
   */
  constructor(host: { readonly cpus: number; readonly mem: number }, gpus: readonly string[]) {
    this.gpuIds = [...new Set(gpus)];
    this.capacity = { cpus: thousandthsOfCpus(host.cpus) / 1000, mem: host.mem, gpus: this.gpuIds.length };
  }

  /** What nobody holds now. */
  get free(): Needs {
    return {
      cpus: (thousandthsOfCpus(this.capacity.cpus) - this.cpusTaken) / 1000,
      mem: this.capacity.mem - this.memTaken,
      gpus: this.freeGpus().length,
    };
  }

  /** Takes what a job needs: all of it, or nothing and undefined when it does not fit now. */
  take(needs: Needs): Share | undefined {
    if (!fits(needs, this.free)) return undefined;
    const share: Share = { needs, gpus: this.freeGpus().slice(0, needs.gpus) };
    this.shares.add(share);
    this.cpusTaken += thousandthsOfCpus(needs.cpus);
    this.memTaken += needs.mem;
    return share;
  }

  /**
   * Gives a share back.
   *
   * @throws RangeError when it is not held: a mistake of the caller, who would make room that is not there
   */
  give(share: Share): void {
    if (!this.shares.delete(share)) throw new RangeError('this share is not held, or was given back before');
    this.cpusTaken -= thousandthsOfCpus(share.needs.cpus);
    this.memTaken -= share.needs.mem;
  }

  private freeGpus(): string[] {
    // Asked for with every claim, and most hosts have none.
    if (this.gpuIds.length === 0) return [];
    const taken = new Set([...this.shares].flatMap(share => share.gpus));
    return this.gpuIds.filter(gpu => !taken.has(gpu));
  }
}
