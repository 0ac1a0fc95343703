import { State } from '../job/state.js';
import type { Queue } from '../queue/queue.js';

const IN_HAND = [State.running, State.claimed];

/** Names orphans: jobs that are said to run while nobody proves to be running them. Each is named once. */
export class OrphanWatch {
  private readonly named = new Set<number>();

  /** @param notice takes what there is to say */
  constructor(
    private readonly queue: Queue,
    private readonly notice: (message: string) => void,
  ) {}

  async look(): Promise<void> {
    if (!this.queue.capabilities.presence) return;
    const found: number[] = [];
    for await (const jobs of this.queue.jobs({ states: IN_HAND })) {
      for (const job of jobs) if (job.holder === 'absent' && !this.named.has(job.number)) found.push(job.number);
    }
    if (found.length === 0) return;
    for (const line of found) this.named.add(line);
    const lines = found.length === 1 ? `line ${found[0]} is` : `lines ${found.join(', ')} are`;
    this.notice(`${lines} orphaned: nobody shows that the job is being run\nto run again: runset --reclaim ${this.queue.name}`);
  }
}
