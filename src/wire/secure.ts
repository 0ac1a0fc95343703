import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';

/** The identity in the handshake. It names the kind of key, since all clients of a server share one. */
const IDENTITY = 'runmaker-1';

/** TLS 1.3 only. A pre-shared key that a callback supplies requires SHA-256. */
const COMMON = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const;

/**
 * TLS options with which a server proves that it knows the key, and has clients prove it. There is no certificate: without the key the
 * handshake fails.
 */
export function serverSecurity(key: Buffer): TlsOptions {
  return { ...COMMON, pskCallback: (_, identity) => (identity === IDENTITY ? key : null) };
}

/**
 * The same for a client. A server that shows a certificate instead of proving that it knows the key is refused, whatever authority has
 * signed it, and whatever NODE_TLS_REJECT_UNAUTHORIZED says.
 */
export function clientSecurity(key: Buffer): ConnectionOptions {
  return {
    ...COMMON,
    ca: [],
    rejectUnauthorized: true,
    pskCallback: () => ({ identity: IDENTITY, psk: key }),
    checkServerIdentity: () => new Error('the server does not know the key'),
  };
}

/** Whether the server of a connection, also of a failed one, has shown a certificate: then it may not know the key. */
export function showsCertificate(socket: TLSSocket): boolean {
  return Boolean(socket.authorizationError) || socket.getPeerX509Certificate() !== undefined;
}

/** OpenSSL's error codes where the two ends have different keys: at the server, and at the client by version 3.0 and 3.5 (Node 20 and 24). */
const WRONG_KEY = new Set(['ERR_SSL_BINDER_DOES_NOT_VERIFY', 'ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER', 'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR']);

/** Whether a handshake failed because the two ends have different keys. */
export function isWrongKey(code: string | undefined): boolean {
  return code !== undefined && WRONG_KEY.has(code);
}
