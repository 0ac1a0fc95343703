import { descriptorLimit } from '../../system/host.js';

/**
 * Beyond what scripts use by number (`exec 3>log`) and what shells take for themselves (10 and up, 255), and still in the
 * table of 64 that the kernel gives every process.
 */
const HIGH = 63;

/**
 * Under which number a job has the descriptor that shows its presence: a command that writes to a descriptor which it takes for its
 * own, or opens one by number, must not hit it. Two below the limit at most: child_process needs one above it for a moment.
 */
export function presenceDescriptor(): number {
  return Math.min(HIGH, (descriptorLimit() ?? Number.POSITIVE_INFINITY) - 2);
}
