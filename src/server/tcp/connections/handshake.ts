import type { Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';

/** How long a peer may take to prove that it knows the key, in ms. */
const PATIENCE = 10_000;

/** Takes the result of a handshake: one of these is called, once. */
export interface HandshakeResult {
  proved(secure: TLSSocket): void;
  failed(error: NodeJS.ErrnoException): void;
}

/**
 * Has the peer of a connection prove that it knows the key. Each connection has a TLS server of its own: one that is given many does not say
 * which of them has become secure, and over a Unix socket nothing else tells them apart.
 */
export function handshake(socket: Socket, security: TlsOptions, { proved, failed }: HandshakeResult): void {
  const server = createServer({ ...security, handshakeTimeout: PATIENCE }, proved);
  server.once('tlsClientError', (error: NodeJS.ErrnoException, secure) => {
    failed(error);
    secure.destroy();
  });
  server.emit('connection', socket);
}
