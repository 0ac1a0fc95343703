import type { Socket } from 'node:net';

/** How long a peer may take for its first byte, in ms. */
const PATIENCE = 10_000;
/** The first byte of a TLS record that begins a handshake (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 0x16;

/** Tells TLS from plain text by the first byte of a new connection. Nothing of it is consumed. */
export function sortByFirstByte(socket: Socket, take: { tls(socket: Socket): void; plain(socket: Socket): void }): void {
  const late = setTimeout(() => socket.destroy(), PATIENCE);
  socket.once('close', () => clearTimeout(late));
  socket.once('readable', () => {
    clearTimeout(late);
    const first = socket.read() as Buffer | null;
    if (first === null) return void socket.destroy();
    socket.unshift(first);
    if (first[0] === TLS_HANDSHAKE) take.tls(socket);
    else take.plain(socket);
  });
}
