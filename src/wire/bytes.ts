import { isUtf8 } from 'node:buffer';

/** The most characters that are sent as text, where quotes and control characters take up to six times their room. */
export const MOST_TEXT = 16 * 1024;

/** Bytes in JSON: readable where that is possible, never longer than in base64 by more than a little. */
export type WireBytes = string | { readonly base64: string };

export function toWire(bytes: Buffer): WireBytes {
  return bytes.length <= MOST_TEXT && isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
}

export function fromWire(bytes: WireBytes): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.base64, 'base64');
}
