import type { Needs } from './directives.js';

/**
 * CPUs in whole thousandths, the form in which they are compared and counted:
 * sums of fractions such as 0.1 would drift.
 */
export function thousandthsOfCpus(cpus: number): number {
  return Math.round(cpus * 1000);
}

/** Whether a job with these needs can run where there is that much room. Each need counts by itself; needing exactly what there is fits. */
export function fits(needs: Needs, room: Needs): boolean {
  return thousandthsOfCpus(needs.cpus) <= thousandthsOfCpus(room.cpus) && needs.mem <= room.mem && needs.gpus <= room.gpus;
}
