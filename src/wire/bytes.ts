import { isUtf8 } from 'node:buffer';

/** The most characters that are sent as text: escaped quotes and control characters take up to six times their size. */
export const MOST_TEXT = 16 * 1024;

/** Bytes in JSON: text where that is possible, and not much longer than base64. */
export type WireBytes = string | { readonly base64: string };

export function toWire(bytes: Buffer): WireBytes {
  return bytes.length <= MOST_TEXT && isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
}

export function fromWire(bytes: WireBytes): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.base64, 'base64');
}
