import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { clientSecurity, isWrongKey, serverSecurity } from '../../src/wire/secure.js';
import { keyOf } from '../../src/wire/token.js';
import { fixture } from '../support/programs.js';

/** A key and a certificate for localhost, unrelated to any token. */
const CERTIFICATE = readFileSync(fixture('stranger.pem'));

/** The outcome of a handshake: a connection, or the client's error. */
async function shakeHands(server: TlsOptions, client: ConnectionOptions): Promise<TLSSocket | Error> {
  const listener = createServer(server, socket => socket.on('error', () => undefined));
  listener.on('tlsClientError', () => undefined);
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void listener.close());
  const socket = connect({ host: '127.0.0.1', port: (listener.address() as AddressInfo).port, ...client });
  onTestFinished(() => void socket.destroy());
  return await new Promise(resolve => {
    socket.once('secureConnect', () => resolve(socket));
    socket.on('error', resolve);
  });
}

describe('a handshake', () => {
  const [key, other] = [keyOf('ONE'), keyOf('OTHER')];

  it('succeeds between two ends with the key: TLS 1.3, with a separate secret for each connection', async () => {
    const socket = await shakeHands(serverSecurity(key), clientSecurity(key));
    if (socket instanceof Error) throw socket;
    expect(socket.getProtocol()).toBe('TLSv1.3');
    // What Node calls it depends on its version.
    expect(['ECDH', 'TLSGroup']).toContain((socket.getEphemeralKeyInfo() as { type: string }).type);
  });

  it('fails with another key, and says so', async () => {
    const error = await shakeHands(serverSecurity(key), clientSecurity(other));
    expect(error instanceof Error && isWrongKey((error as NodeJS.ErrnoException).code)).toBe(true);
  });

  it('fails with a client that has no key, or supports only the older version of the protocol', async () => {
    expect(await shakeHands(serverSecurity(key), { rejectUnauthorized: false })).toBeInstanceOf(Error);
    expect(await shakeHands(serverSecurity(key), { ...clientSecurity(key), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).toBeInstanceOf(
      Error,
    );
  });

  it('fails with a server that has a certificate instead of the key, even a trusted one', async () => {
    const server = { key: CERTIFICATE, cert: CERTIFICATE };
    const trusting: ConnectionOptions = { ca: [CERTIFICATE] };
    expect(await shakeHands(server, trusting)).not.toBeInstanceOf(Error);
    const error = await shakeHands(server, { ...clientSecurity(key), ca: [CERTIFICATE] });
    expect(error).toMatchObject({ message: 'the server does not know the key' });
  });

  it('fails with such a server even if the environment accepts all certificates', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = { key: CERTIFICATE, cert: CERTIFICATE };
    expect(await shakeHands(server, { ca: [] })).not.toBeInstanceOf(Error);
    expect(await shakeHands(server, clientSecurity(key))).toBeInstanceOf(Error);
  });
});
