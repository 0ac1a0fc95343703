import { commandDigest } from '../../job/command-digest.js';
import { asLine, type Job, type LineJob } from '../../job/job.js';
import { stateUnrun } from '../../job/state.js';
import type { OpenClaim, Request, Welcome } from '../../wire/messages.js';

type End = Extract<Request, { type: 'end' }>;

/** What we know of a claim of ours whose end was not confirmed yet. */
interface Entry {
  readonly job: LineJob;
  ending?: NonNullable<OpenClaim['ending']>;
  /** Why it is ours no longer. */
  lost?: string;
}

/** The claims of one client: what it tells the server about when it comes back. */
export class OpenClaims {
  private readonly entries = new Map<number, Entry>();

  add(id: number, job: Job): void {
    this.entries.set(id, { job: asLine(job) });
  }

  /**
   * The server is asked to write the state: from now on it may be written at any moment, whether or not we are told so. A server that
   * was never asked has not written it: who finds that state in the line finds what somebody else has written.
   */
  end({ claim, state, unrun }: End): void {
    const entry = this.entries.get(claim);
    if (entry) entry.ending = unrun ? stateUnrun(entry.job.state) : state;
  }

  remove(id: number): void {
    this.entries.delete(id);
  }

  /** Why a claim is ours no longer; undefined while it is. */
  lossOf(id: number): string | undefined {
    return this.entries.get(id)?.lost;
  }

  /** Takes in what the server says about them. */
  note({ lost }: Welcome): void {
    for (const { id, reason } of lost) {
      const entry = this.entries.get(id);
      if (entry) entry.lost = reason;
    }
  }

  /** For the server to recognise them. */
  list(): OpenClaim[] {
    return [...this.entries]
      .filter(([, { lost }]) => lost === undefined)
      .map(([id, { job, ending }]) => ({
        id,
        number: job.number,
        offset: job.offset,
        print: commandDigest(job.command),
        ...(ending !== undefined && { ending }),
      }));
  }
}
