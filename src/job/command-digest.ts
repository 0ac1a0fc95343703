import { createHash } from 'node:crypto';

/** A digest that stands for a command where only sameness matters. */
export function commandDigest(command: Buffer): string {
  return createHash('sha256').update(command).digest('base64');
}
