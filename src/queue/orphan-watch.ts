import { RunmakerError } from '../errors.js';
import { findOrphans, nameLines } from './orphans.js';
import type { Queue } from './queue.js';

/** Names orphans, each once. */
export class OrphanWatch {
  private readonly named = new Set<number>();

  /** @param notice takes what there is to say, and what can be done */
  constructor(
    private readonly queue: Queue,
    private readonly notice: (message: string, hint: string) => void,
  ) {}

  async look(): Promise<void> {
    const found = (await this.findThem()).filter(line => !this.named.has(line));
    if (found.length === 0) return;
    for (const line of found) this.named.add(line);
    this.notice(
      `${nameLines(found)} ${found.length === 1 ? 'is' : 'are'} orphaned: nobody shows that the job is being run`,
      `${this.queue.capabilities.silent ?? 'older runners'} never show it; if none is at work, have it run again: runset --reclaim ${this.queue.name}`,
    );
  }

  /** A queue that cannot be reached is for those to deal with who need it: they are more patient. */
  private async findThem(): Promise<number[]> {
    try {
      return await findOrphans(this.queue);
    } catch (error) {
      if (error instanceof RunmakerError && error.code === 'queue') return [];
      throw error;
    }
  }
}
