/** The names and messages with which a worker of Distribute shows what it does. */
import { createHash } from 'node:crypto';

/** The branch on which a worker works on a job. */
export function branchOf(worker: string, job: string): string {
  return `${worker}/${branchPart(job)}`;
}

/** First lines of commit messages. */
export const MESSAGES = {
  lock: (worker: string) => `${worker}: lock`,
  unlock: (worker: string) => `${worker}: unlock`,
  take: (worker: string, job: string) => `${worker}: take ${job}`,
  resume: (worker: string, job: string) => `${worker}: go on with ${job}`,
  giveBack: (worker: string, job: string) => `${worker}: give back ${job}`,
  save: (worker: string, job: string) => `${worker}: ${job}`,
  finish: (worker: string, job: string) => `${worker}: finish ${job}`,
  leftovers: (worker: string) => `${worker}: left unfinished`,
} as const;

/** A job as part of a branch's name: unchanged if it can be, else made plain and told apart by a checksum. */
function branchPart(job: string): string {
  if (/^\w[\w.=+,-]*$/.test(job) && !/\.\.|\.$|\.lock$/.test(job)) return job;
  const plain = job.replace(/[^\w=+,-]+/g, '-').slice(0, 80);
  return `${plain}-${createHash('sha1').update(job).digest('hex').slice(0, 8)}`;
}
