import { createHash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const TOKEN_BYTES = 16;
const KEY_BYTES = 32;
/** An eavesdropper on a single connection can find shorter ones by trying. */
const LEAST_LENGTH = 16;
/** Crockford's base 32: no character is mistaken for another when it is read aloud, and no token looks like an option. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A new token: 128 random bits, as 26 characters. */
export function newToken(): string {
  let rest = BigInt(`0x${randomBytes(TOKEN_BYTES).toString('hex')}`);
  let text = '';
  for (let bits = 0; bits < TOKEN_BYTES * 8; bits += 5) {
    text = `${ALPHABET[Number(rest & 31n)]}${text}`;
    rest >>= 5n;
  }
  return text;
}

/** The key that both ends derive from the token (HKDF with SHA-256, RFC 5869): the token itself never crosses the wire. */
export function keyOf(token: string): Buffer {
  return Buffer.from(hkdfSync('sha256', token, 'runmaker', 'TLS pre-shared key, version 1', KEY_BYTES));
}

/** Compares two tokens in a time that does not depend on how alike they are. */
export function isSameToken(one: string, other: string): boolean {
  const digest = (token: string): Buffer => createHash('sha256').update(token).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** Whether an eavesdropper could find the token by trying. */
export function isWeakToken(token: string): boolean {
  return token.length < LEAST_LENGTH;
}
