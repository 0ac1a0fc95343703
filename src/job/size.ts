import { RunmakerError } from '../errors.js';

/** Each is 1024 times the one before it. */
const UNITS = ['B', 'K', 'M', 'G', 'T', 'P'] as const;

const SIZE = /^(\d+(?:\.\d*)?|\.\d+)(?:([KMGTP])(?:i?B)?|B)?$/i;

/**
 * Reads an amount of memory: `512` (bytes), `64k`, `200M`, `4G`, `4GB`, `4GiB`, `1.5T`.
 * All units are powers of 1024, as in Slurm, and may be written in small letters.
 *
 * @returns whole bytes
 * @throws RunmakerError `usage`, quoting the text, for anything else
 */
export function parseSize(text: string): number {
  const [, amount, unit = 'B'] = SIZE.exec(text) ?? [];
  const bytes = Math.round(Number(amount) * 1024 ** UNITS.indexOf(unit.toUpperCase() as (typeof UNITS)[number]));
  if (!Number.isSafeInteger(bytes)) {
    throw new RunmakerError('usage', `${JSON.stringify(text)} is not a size`, {
      hint: 'write bytes (512) or a number with a unit, of powers of 1024: 64k, 200M, 4G, 4GB, 4GiB, 1.5T',
    });
  }
  return bytes;
}

/**
 * Writes an amount of memory for people, with at most one decimal: `512B`, `64K`, `1.5T`.
 * `parseSize` reads all of these.
 *
 * @param bytes not negative, finite
 */
export function formatSize(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  // Rounded before it is compared, so that a byte less than 1 M is `1M` and never `1024K`.
  while (oneDecimal(amount) >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${oneDecimal(amount)}${UNITS[unit]}`;
}

function oneDecimal(amount: number): number {
  return Math.round(amount * 10) / 10;
}
