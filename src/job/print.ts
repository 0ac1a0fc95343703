import { createHash } from 'node:crypto';

/** Stands for a command where only sameness matters. */
export function printOf(command: Buffer): string {
  return createHash('sha256').update(command).digest('base64');
}
