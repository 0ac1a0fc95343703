import { NUMBER_BYTES } from '../scripts/prelude.js';

/** Numbers in the scripts' form. */
export function packNumbers(numbers: readonly number[]): Buffer {
  const packed = Buffer.allocUnsafe(numbers.length * NUMBER_BYTES);
  for (let at = 0; at < numbers.length; at++) packed.writeUIntBE(numbers[at] as number, at * NUMBER_BYTES, NUMBER_BYTES);
  return packed;
}

export function unpackNumbers(packed: Buffer): number[] {
  return Array.from({ length: packed.length / NUMBER_BYTES }, (_, at) => packed.readUIntBE(at * NUMBER_BYTES, NUMBER_BYTES));
}
