/** Descriptors of the program itself: the queue, its logs, standard streams, and a few short-lived ones. */
const OWN = 40;

/** Descriptors per running job: presence, and a pipe for each output. */
export const DESCRIPTORS_A_JOB = 3;
/** More per job when its whole outputs are written to files. */
export const DESCRIPTORS_OF_RESULTS = 2;

/**
 * How many jobs at a time a descriptor limit allows; at least one.
 * @param limit of this process (`ulimit -n`); undefined: none
 * @param each descriptors per job
 */
export function jobsWithin(limit: number | undefined, each: number): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor((limit - OWN) / each));
}
