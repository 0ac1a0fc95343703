import { readFileSync } from 'node:fs';
import os from 'node:os';

/** This host, without its domain. */
export function hostName(): string {
  return os.hostname().split('.')[0] as string;
}

/** How many CPUs this process may use: its affinity counts, not the hardware. */
export function usableCpus(): number {
  return os.availableParallelism();
}

/** How many bytes of memory this process may use: the limit of its control group if there is one. */
export function usableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
}

/** How many files this process may have open at a time: `ulimit -n`, which Node raises as far as it may. Undefined: unknown. */
export function descriptorLimit(): number | undefined {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}
