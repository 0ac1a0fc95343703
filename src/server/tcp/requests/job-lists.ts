import type { Job } from '../../../job/job.js';
import { jobToWire } from '../../../wire/job-form.js';
import type { Answer } from '../../../wire/messages.js';

/** The most that goes into one message: jobs, and bytes of their commands. */
const MOST_JOBS = 500;
const MOST_BYTES = 256 * 1024;
/** Lists that one client may have half read at the same time. */
const MOST_LISTS = 16;

/** Lists of jobs that a client fetches batch by batch: what it does not fetch is not read. */
export class JobLists {
  private readonly open = new Map<number, AsyncGenerator<readonly Job[]>>();
  /** One batch at a time: each takes memory until it is sent. */
  private turn: Promise<unknown> = Promise.resolve();

  /** Opens a list and answers with its first batch. */
  async begin(id: number, jobs: AsyncIterable<readonly Job[]> | Iterable<readonly Job[]>): Promise<Answer> {
    this.keep(id, jobs);
    return await this.more(id, id);
  }

  /** Opens a list of which nothing is fetched yet. */
  keep(id: number, jobs: AsyncIterable<readonly Job[]> | Iterable<readonly Job[]>): void {
    const [oldest] = this.open.keys();
    if (this.open.size >= MOST_LISTS && oldest !== undefined) this.end(oldest);
    this.open.set(id, inBatches(jobs));
  }

  /** The next batch of the list `of`. */
  more(id: number, of: number): Promise<Answer> {
    const batch = this.turn.then(() => this.next(id, of));
    this.turn = batch.catch(() => undefined);
    return batch;
  }

  /** The client wants no more of a list. */
  end(of: number): void {
    const list = this.open.get(of);
    this.open.delete(of);
    // Closes the source of the list.
    void list?.return(undefined).catch(() => undefined);
  }

  endAll(): void {
    for (const of of [...this.open.keys()]) this.end(of);
  }

  private async next(id: number, of: number): Promise<Answer> {
    const list = this.open.get(of);
    if (list === undefined) {
      const message = `the rest of a list is not to be had any more: a client may have ${MOST_LISTS} half read at a time`;
      return { type: 'failed', id, code: 'queue', message, hint: 'read fewer lists at a time, each to its end' };
    }
    const { done, value } = await list.next();
    if (done) this.open.delete(of);
    return { type: 'batch', id, jobs: done ? [] : value.map(jobToWire), more: !done };
  }
}

async function* inBatches(source: AsyncIterable<readonly Job[]> | Iterable<readonly Job[]>): AsyncGenerator<readonly Job[]> {
  let batch: Job[] = [];
  let bytes = 0;
  for await (const jobs of source) {
    for (const job of jobs) {
      if (batch.length === MOST_JOBS || (batch.length > 0 && bytes + job.command.length > MOST_BYTES)) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(job);
      bytes += job.command.length;
    }
  }
  if (batch.length > 0) yield batch;
}
