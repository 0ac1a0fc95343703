import { commandDigest } from '../../../job/command-digest.js';
import { asLine, type Job } from '../../../job/job.js';
import type { Claim } from '../../../queue/queue.js';
import type { OpenClaim } from '../../../wire/messages.js';

/** A claim that a client has now. */
export interface HeldClaim {
  readonly claim: Claim;
  /** Where the client believes the job's line to be: an editor may have moved it since. */
  readonly place: string;
}

/** Identifies a job over restarts of the server: byte offset and digest of the command. */
export function placeOf({ offset, print }: Pick<OpenClaim, 'offset' | 'print'>): string {
  return `${offset} ${print}`;
}

export function placeOfJob(job: Job): string {
  return placeOf({ offset: asLine(job).offset, print: commandDigest(job.command) });
}
