import { RunmakerError } from '../errors.js';

/** Milliseconds in each unit, by the letter that the user writes. */
const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

type Unit = keyof typeof MILLISECONDS;

const PLAIN_SECONDS = /^(\d+(\.\d*)?|\.\d+)$/;
/** Sticky: the terms of a sum follow each other with nothing between them. */
const TERM = /(\d+(?:\.\d*)?|\.\d+)(ms|[smhd])/gy;

/**
 * Reads a length of time: `90` or `1.5` (seconds, as in timeout(1)), `500ms`, `30s`, `10m`, `2h`, `1d`, and sums such as `1h30m`.
 *
 * @returns whole milliseconds; 0 is a duration
 * @throws RunmakerError `usage`, quoting the text, for anything else
 */
export function parseDuration(text: string): number {
  const milliseconds = Math.round(PLAIN_SECONDS.test(text) ? Number(text) * MILLISECONDS.s : sumOfTerms(text));
  if (!Number.isSafeInteger(milliseconds)) {
    throw new RunmakerError('usage', `${JSON.stringify(text)} is not a duration`, {
      hint: 'write seconds (90, 1.5) or numbers with units: 500ms, 30s, 10m, 2h, 1d, 1h30m',
    });
  }
  return milliseconds;
}

/** Milliseconds, or NaN when the text is not a sum of terms. Goes term by term: one pattern for a whole sum overflows the stack on a long one. */
function sumOfTerms(text: string): number {
  let sum = 0;
  let end = 0;
  for (const { 0: term, 1: amount, 2: unit, index } of text.matchAll(TERM)) {
    sum += Number(amount) * MILLISECONDS[unit as Unit];
    end = index + term.length;
  }
  return end === text.length && end > 0 ? sum : Number.NaN;
}

/**
 * Writes a length of time for people, rounded to what they care about: `850ms`, `12s`, `3m`, `1h05m`, `2d03h`.
 * `parseDuration` reads all of these. Less than nothing is written as nothing, `0s`: an estimate may have run out.
 *
 * @param ms milliseconds, finite
 */
export function formatDuration(ms: number): string {
  // Rounded before the unit is chosen, so that 59.7 s is `1m` and never `60s`.
  const milliseconds = Math.max(0, Math.round(ms));
  if (milliseconds === 0) return '0s';
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const seconds = Math.round(ms / MILLISECONDS.s);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.round(ms / MILLISECONDS.m);
  if (minutes < 60) return `${minutes}m`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h${twoDigits(minutes % 60)}m`;
  const hours = Math.round(ms / MILLISECONDS.h);
  return `${Math.floor(hours / 24)}d${twoDigits(hours % 24)}h`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
