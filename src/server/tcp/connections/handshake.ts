import type { Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';

/** How long a peer may take to prove that it knows the key, in ms. */
const PATIENCE = 10_000;

/** What comes of a handshake: one of these is called, once. */
export interface HandshakeEnds {
  proved(secure: TLSSocket): void;
  failed(error: NodeJS.ErrnoException): void;
}

/**
 * Has the peer of a connection prove that it knows the key. A TLS server for each connection: one that is handed many does not say
 * which of them has become secure, and nothing else tells those over a Unix socket apart.
 */
export function handshake(socket: Socket, security: TlsOptions, { proved, failed }: HandshakeEnds): void {
  const server = createServer({ ...security, handshakeTimeout: PATIENCE }, proved);
  server.once('tlsClientError', (error: NodeJS.ErrnoException, secure) => {
    failed(error);
    secure.destroy();
  });
  server.emit('connection', socket);
}
