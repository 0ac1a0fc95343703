import { descriptorLimit } from '../../system/host.js';

/**
 * Above the numbers that scripts use (`exec 3>log`) and most that shells reserve (10 and up, 255), and still in the table of 64 that the
 * kernel gives every process.
 */
const HIGH = 63;

/**
 * The number of a job's presence descriptor: a command that writes to a descriptor by number, or opens one, must not hit it. At most two
 * below the limit: child_process briefly needs one above it.
 */
export function presenceDescriptor(): number {
  return Math.min(HIGH, (descriptorLimit() ?? Number.POSITIVE_INFINITY) - 2);
}
