import type { Job } from '../job/job.js';
import { State } from '../job/state.js';
import type { ClaimRequest, ClaimResult, Queue } from '../queue/queue.js';

/**
 * The jobs that a runner has run and that have failed, so that it retries each of them once at most. Queues know them by their line
 * numbers; when these come to mean something else, because lines were moved, the jobs are found again by their commands. Of identical
 * lines so many count as tried as were: those that stayed where they were, then the first ones that have failed.
 */
export class Tried {
  /** For `ClaimRequest.tried`: always the same set. */
  readonly lines = new Set<number>();
  /** By line: the command, a character a byte. */
  private commands = new Map<number, string>();
  /** Commands of jobs that stood somewhere else when they were claimed. */
  private unplaced: string[] = [];
  /** What `lines` goes by. */
  private layout: string | undefined;
  private readonly claimedIn = new WeakMap<Job, string | undefined>();

  constructor(private readonly queue: Queue) {}

  /** To be called before the job's state is written: from then on the queue may give it out. */
  add(job: Job): void {
    const command = textOf(job.command);
    if (this.claimedIn.has(job) && this.claimedIn.get(job) === this.layout) this.place(job.number, command);
    else this.unplaced.push(command);
  }

  /** Claims a job that was not tried. @param request has `lines` */
  async claim(request: ClaimRequest): Promise<ClaimResult> {
    for (;;) {
      if (this.isOutOfDate) await this.follow();
      if (this.lines.size === 0) this.layout = this.queue.layout;
      const result = await this.queue.claim(request);
      if (!this.isOutOfDate) {
        if (result.kind === 'claimed' && this.layout === this.queue.layout) this.claimedIn.set(result.claim.job, this.layout);
        return result;
      }
      // The lines have moved under the queue's hands: who was passed over, or not, was decided by numbers of before.
      if (result.kind === 'claimed' && (await this.isNew(result))) return result;
    }
  }

  private get isOutOfDate(): boolean {
    return this.unplaced.length > 0 || (this.lines.size > 0 && this.layout !== this.queue.layout);
  }

  /** If it is not, the claim is given back. */
  private async isNew({ claim }: Extract<ClaimResult, { kind: 'claimed' }>): Promise<boolean> {
    if (claim.job.state === State.new) return true;
    let isTried = true;
    try {
      await this.follow(claim.job);
      isTried = this.lines.has(claim.job.number);
    } finally {
      if (isTried) await claim.release({ unrun: true });
    }
    return !isTried;
  }

  /** Finds the jobs again. @param claimed counts as failed, as it was before: it was claimed a moment ago */
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
      for (const { number, state, command } of jobs) {
        const places = found.get(textOf(command));
        if (places === undefined) continue;
        const hasFailed = state === State.failed || state === State.error || number === claimed?.number;
        if (!hasFailed) places[state === State.running ? 'running' : 'others'].push(number);
        else if (before.get(number) === textOf(command)) places.stayed.push(number);
        else places.failed.push(number);
      }
    }
    this.lines.clear();
    for (const line of this.commands.keys()) this.lines.add(line);
    for (const [command, places] of found) for (const line of places.first(wanted.get(command) as number)) this.place(line, command);
  }

  private place(line: number, command: string): void {
    this.lines.add(line);
    this.commands.set(line, command);
  }
}

/** The lines that have the same command. */
class Places {
  readonly stayed: number[] = [];
  readonly failed: number[] = [];
  /** Somebody else may be retrying them; or it is we who did, and the state is about to be written. */
  readonly running: number[] = [];
  readonly others: number[] = [];

  first(count: number): number[] {
    return [...this.stayed, ...this.failed, ...this.running, ...this.others].slice(0, count);
  }
}

function textOf(command: Buffer): string {
  return command.toString('latin1');
}
