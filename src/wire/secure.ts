import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';

/** Who we say we are in the handshake: the kind of key, since all clients of a server share one. */
const IDENTITY = 'runmaker-1';

/** TLS 1.3 and nothing older. A pre-shared key given by callback goes with SHA-256 only. */
const COMMON = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const;

/** How a server proves that it knows the key, and has clients prove it. It has no certificate: without the key there is no handshake. */
export function serverSecurity(key: Buffer): TlsOptions {
  return { ...COMMON, pskCallback: (_, identity) => (identity === IDENTITY ? key : null) };
}

/**
 * How a client does. A server that shows a certificate instead of knowing the key is refused, whoever signed it, and whatever
 * NODE_TLS_REJECT_UNAUTHORIZED says.
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

/** Whether the server of a connection, or of one that was refused, has shown a certificate: it need not know the key then. */
export function showsCertificate(socket: TLSSocket): boolean {
  return Boolean(socket.authorizationError) || socket.getPeerX509Certificate() !== undefined;
}

/** Whether a handshake failed because the two ends have different keys: the codes of OpenSSL at the server, and at the client. */
export function isWrongKey(code: string | undefined): boolean {
  return code === 'ERR_SSL_BINDER_DOES_NOT_VERIFY' || code === 'ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER';
}
