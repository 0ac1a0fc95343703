import { PRESENCE_BYTES } from '../../../system/reserved-bytes.js';

/**
 * The byte on which the owner of a running job holds a shared lock for as long as the job runs. It lies far beyond the end of the file:
 * runmaker4 takes exclusive, blocking locks on all bytes of the file up to a line, to claim it and to finish it, so any lock that lasts
 * inside the file keeps its runners standing.
 * @param start where the job's line begins, in bytes
 */
export function presenceByte(start: number): bigint {
  return PRESENCE_BYTES + BigInt(start);
}
