import type { Job } from '../../job/job.js';
import { State } from '../../job/state.js';
import type { ClaimRequest, ClaimResult, Queue } from '../../queue/queue.js';

/**
 * The failed jobs of a runner, so that it retries each at most once. Queues know them by their ids; when moved lines change what ids mean,
 * the jobs are found again by their commands. Of identical lines as many count as tried as were: those still in place, then the first ones
 * that have failed.
 */
export class TriedJobs {
  /** For `ClaimRequest.tried`: always the same set. */
  readonly ids = new Set<string>();
  /** By id: the command, one character per byte. */
  private commands = new Map<string, string>();
  /** Commands of jobs that stood elsewhere when they were claimed. */
  private unplaced: string[] = [];
  /** The layout that `ids` refers to. */
  private layout: string | undefined;
  private readonly claimedIn = new WeakMap<Job, string | undefined>();

  constructor(private readonly queue: Queue) {}

  /** Must be called before the job's state is written: from then on the queue may hand it out. */
  add(job: Job): void {
    const command = textOf(job.command);
    if (this.claimedIn.has(job) && this.claimedIn.get(job) === this.layout) this.place(job.id, command);
    else this.unplaced.push(command);
  }

  /** Claims an untried job. @param request has `ids` */
  async claim(request: ClaimRequest): Promise<ClaimResult> {
    for (;;) {
      if (this.isOutOfDate) await this.follow();
      if (this.ids.size === 0) this.layout = this.queue.layout;
      const result = await this.queue.claim(request);
      if (!this.isOutOfDate) {
        if (result.kind === 'claimed' && this.layout === this.queue.layout) this.claimedIn.set(result.claim.job, this.layout);
        return result;
      }
      // The lines moved during the claim: ids from before decided which jobs to skip.
      if (result.kind === 'claimed' && (await this.isNew(result))) return result;
    }
  }

  private get isOutOfDate(): boolean {
    return this.unplaced.length > 0 || (this.ids.size > 0 && this.layout !== this.queue.layout);
  }

  /** If it is not, the claim is released. */
  private async isNew({ claim }: Extract<ClaimResult, { kind: 'claimed' }>): Promise<boolean> {
    if (claim.job.state === State.new) return true;
    let isTried = true;
    try {
      await this.follow(claim.job);
      isTried = this.ids.has(claim.job.id);
    } finally {
      if (isTried) await claim.release({ unrun: true });
    }
    return !isTried;
  }

  /** Finds the jobs again. @param claimed counts as failed, as it did before it was claimed a moment ago */
  private async follow(claimed?: Job): Promise<void> {
    const before = this.commands;
    const wanted = new Map<string, number>();
    for (const command of [...before.values(), ...this.unplaced]) wanted.set(command, (wanted.get(command) ?? 0) + 1);
    // Other jobs may end while the queue is read.
    this.commands = new Map();
    this.unplaced = [];
    this.layout = this.queue.layout;
    const found = new Map([...wanted.keys()].map(command => [command, new Places()]));
    for await (const jobs of this.queue.jobs()) {
      for (const { id, state, command } of jobs) {
        const places = found.get(textOf(command));
        if (places === undefined) continue;
        const hasFailed = state === State.failed || state === State.error || id === claimed?.id;
        if (!hasFailed) places[state === State.running ? 'running' : 'others'].push(id);
        else if (before.get(id) === textOf(command)) places.stayed.push(id);
        else places.failed.push(id);
      }
    }
    this.ids.clear();
    for (const id of this.commands.keys()) this.ids.add(id);
    for (const [command, places] of found) for (const id of places.first(wanted.get(command) as number)) this.place(id, command);
  }

  private place(id: string, command: string): void {
    this.ids.add(id);
    this.commands.set(id, command);
  }
}

/** The jobs that have the same command. */
class Places {
  readonly stayed: string[] = [];
  readonly failed: string[] = [];
  /** Another runner may be retrying them; or this one did, and is about to write the state. */
  readonly running: string[] = [];
  readonly others: string[] = [];

  first(count: number): string[] {
    return [...this.stayed, ...this.failed, ...this.running, ...this.others].slice(0, count);
  }
}

function textOf(command: Buffer): string {
  return command.toString('latin1');
}
