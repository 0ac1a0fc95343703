const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/**
 * A duration as a user would write it, without rounding: `2h`, `1m30s`, `1s500ms`. `parseDuration` reads it back.
 *
 * @param ms whole milliseconds, not negative
 */
export function exactDuration(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [unit, size] of UNITS) {
    const amount = Math.floor(rest / size);
    if (amount > 0) text += amount + unit;
    rest -= amount * size;
  }
  return text || '0s';
}
