/** Below and from these powers of ten on Python's repr() writes an exponent. */
const FIXED = { from: -4, to: 16 };

/**
 * A JSON number as Python's str() writes what json.loads makes of it: whole numbers with all their digits, others as the
 * shortest text that means the same double, with a point or an exponent.
 */
export function pythonNumber(json: string): string {
  if (/^-?\d+$/.test(json)) return json === '-0' ? '0' : json;
  const value = Number(json);
  const sign = json.startsWith('-') ? '-' : '';
  if (!Number.isFinite(value)) return `${sign}inf`;
  const [digits = '0', power = '0'] = Math.abs(value).toExponential().split('e');
  const exponent = Number(power);
  if (exponent < FIXED.from || exponent >= FIXED.to) {
    return `${sign}${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const plain = digits.replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${plain}`;
  return `${sign}${plain.slice(0, exponent + 1).padEnd(exponent + 1, '0')}.${plain.slice(exponent + 1) || '0'}`;
}
