import type { Job } from '../../../job/job.js';
import { jobToWire } from '../../../wire/job-form.js';
import type { Answer } from '../../../wire/messages.js';

/** The most that goes into one message: jobs, and bytes of their commands. */
const MOST_JOBS = 500;
const MOST_BYTES = 256 * 1024;
/** Lists that one client may have half read at the same time. */
const MOST_STREAMS = 16;

/** Lists of jobs that a client fetches piece by piece: what it does not fetch is not read. */
export class JobLists {
  private readonly open = new Map<number, AsyncGenerator<readonly Job[]>>();
  /** One piece at a time: each takes memory until it is sent. */
  private turn: Promise<unknown> = Promise.resolve();

  /** Begins a list and answers with its first piece. */
  async begin(id: number, jobs: AsyncIterable<readonly Job[]>): Promise<Answer> {
    this.keep(id, jobs);
    return await this.more(id, id);
  }

  /** Begins a list of which nothing is fetched yet. */
  keep(id: number, jobs: AsyncIterable<readonly Job[]> | Iterable<readonly Job[]>): void {
    const [oldest] = this.open.keys();
    if (this.open.size >= MOST_STREAMS && oldest !== undefined) this.end(oldest);
    this.open.set(id, inPieces(jobs));
  }

  /** The next piece of the list `of`. */
  more(id: number, of: number): Promise<Answer> {
    const piece = this.turn.then(() => this.next(id, of));
    this.turn = piece.catch(() => undefined);
    return piece;
  }

  /** The client wants no more of a list. */
  end(of: number): void {
    const stream = this.open.get(of);
    this.open.delete(of);
    // Closes what the list is read from.
    void stream?.return(undefined).catch(() => undefined);
  }

  endAll(): void {
    for (const of of [...this.open.keys()]) this.end(of);
  }

  private async next(id: number, of: number): Promise<Answer> {
    const stream = this.open.get(of);
    if (stream === undefined) {
      const message = `the rest of a list is not to be had any more: a client may have ${MOST_STREAMS} half read at a time`;
      return { type: 'failed', id, code: 'queue', message, hint: 'read fewer lists at a time, each to its end' };
    }
    const { done, value } = await stream.next();
    if (done) this.open.delete(of);
    return { type: 'batch', id, jobs: done ? [] : value.map(jobToWire), more: !done };
  }
}

async function* inPieces(batches: AsyncIterable<readonly Job[]> | Iterable<readonly Job[]>): AsyncGenerator<readonly Job[]> {
  let piece: Job[] = [];
  let bytes = 0;
  for await (const batch of batches) {
    for (const job of batch) {
      if (piece.length === MOST_JOBS || (piece.length > 0 && bytes + job.command.length > MOST_BYTES)) {
        yield piece;
        piece = [];
        bytes = 0;
      }
      piece.push(job);
      bytes += job.command.length;
    }
  }
  if (piece.length > 0) yield piece;
}
