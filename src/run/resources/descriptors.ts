/** What the program keeps open for itself: the queue, its logs, standard streams, and a few for each moment. */
const OWN = 40;

/** Descriptors that a job takes while it runs: presence, and a pipe for each output. */
export const DESCRIPTORS_A_JOB = 3;
/** Those that it takes besides when its whole outputs are written to files. */
export const DESCRIPTORS_OF_RESULTS = 2;

/**
 * How many jobs at a time a limit on descriptors has room for; at least one.
 * @param limit of this process (`ulimit -n`); undefined: none
 * @param each descriptors that a job takes
 */
export function jobsWithin(limit: number | undefined, each: number): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor((limit - OWN) / each));
}
