/**
 * Amounts of resources, by name: `cpus` (fractions are allowed), `mem` (bytes), `gpus` (whole ones), and what users name.
 * What is not named is 0.
 */
export interface Needs {
  readonly [resource: string]: number;
}

/** The resources of one job while it runs. */
export interface Share {
  readonly needs: Needs;
  /** Ids of the job's own GPUs, as CUDA_VISIBLE_DEVICES lists them; empty when it asked for none. */
  readonly gpus: readonly string[];
}

/** In a host's room: the amount of each resource that the room does not name. */
export const ANY_OTHER = '*';

/** The needs of a job that asks only for a slot. */
export const NO_NEEDS: Needs = Object.freeze({});

/** Whether a job with these needs can run where there is that much room. Each need counts by itself; needing exactly what there is fits. */
export function fits(needs: Needs, room: Needs): boolean {
  for (const name in needs) if (thousandths(needs[name]) > thousandths(room[name] ?? room[ANY_OTHER])) return false;
  return true;
}

/** The room that is left when a job with these needs has been given them. */
export function less(room: Needs, needs: Needs): Needs {
  return combined(room, needs, -1);
}

/** The room when a job has given back what it needed. */
export function more(room: Needs, needs: Needs): Needs {
  return combined(room, needs, 1);
}

function combined(room: Needs, needs: Needs, sign: 1 | -1): Needs {
  const sum: Record<string, number> = { ...room };
  for (const name in needs) sum[name] = (thousandths(room[name]) + sign * thousandths(needs[name])) / 1000;
  return sum;
}

/** Amounts are compared and counted in whole thousandths: sums of fractions such as 0.1 would drift. */
function thousandths(amount = 0): number {
  return Math.round(amount * 1000);
}
