import { commandDigest } from '../../job/command-digest.js';
import { asLine, type Job, type LineJob } from '../../job/job.js';
import { stateUnrun } from '../../job/state.js';
import type { OpenClaim, Request, Welcome } from '../../wire/messages.js';

type End = Extract<Request, { type: 'end' }>;

/** A claim whose end the server has not confirmed yet. */
interface Entry {
  readonly job: LineJob;
  readonly fence: number;
  ending?: NonNullable<OpenClaim['ending']>;
  /** Why it is lost. */
  lost?: string;
}

/** The claims of one client, which it lists for a server that comes back. */
export class OpenClaims {
  private readonly entries = new Map<number, Entry>();

  /** @param fence that came with the answer to the claim */
  add(id: number, job: Job, fence: number): void {
    this.entries.set(id, { job: asLine(job), fence });
  }

  /**
   * The server is asked to write the state: from now on it may do so at any moment, whether or not the answer arrives. A server that was
   * never asked has not written it: if the line has that state nevertheless, another runner has set it.
   */
  end({ claim, state, unrun }: End): void {
    const entry = this.entries.get(claim);
    if (entry) entry.ending = unrun ? stateUnrun(entry.job.state) : state;
  }

  remove(id: number): void {
    this.entries.delete(id);
  }

  /** Why a claim is lost; undefined while it is held. */
  lossOf(id: number): string | undefined {
    return this.entries.get(id)?.lost;
  }

  /** Notes which claims the server has declared lost. */
  note({ lost }: Welcome): void {
    for (const { id, reason } of lost) {
      const entry = this.entries.get(id);
      if (entry) entry.lost = reason;
    }
  }

  /** The list by which the server recognises them. */
  list(): OpenClaim[] {
    return [...this.entries]
      .filter(([, { lost }]) => lost === undefined)
      .map(([id, { job, fence, ending }]) => ({
        id,
        number: job.number,
        offset: job.offset,
        print: commandDigest(job.command),
        fence,
        ...(ending !== undefined && { ending }),
      }));
  }
}
