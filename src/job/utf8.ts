/**
 * The largest length up to `end` at which `bytes` can be cut without cutting a UTF-8 character in two.
 * Bytes that are no UTF-8 are cut at `end`.
 */
export function wholeCharacters(bytes: Buffer, end: number): number {
  // A character is at most four bytes long, so only the last three can have begun one that goes on after `end`.
  for (let at = end - 1; at >= 0 && at >= end - 3; at--) {
    const byte = bytes[at]!;
    const continues = (byte & 0xc0) === 0x80;
    if (!continues) return at + lengthOfCharacter(byte) > end ? at : end;
  }
  return end;
}

/** How long a character is that begins with this byte (RFC 3629). */
function lengthOfCharacter(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  if (first >= 0xc0) return 2;
  return 1;
}
