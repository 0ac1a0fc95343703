import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { dial } from '../../../src/queue/tcp/dial.js';

it('an immediately closed connection may be to another program, or to a server with waiting peers: the message names both', async () => {
  const server = createServer(socket => socket.resetAndDestroy()).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dialled = dial({ kind: 'tcp', host: '127.0.0.1', port }, Buffer.alloc(32, 1), new AbortController().signal);
  await expect(dialled).rejects.toMatchObject({
    message: `127.0.0.1:${port}: the connection was closed before anything was said`,
    hint: expect.stringMatching(/a runmaker-server listens there.*wrong tokens.*try again/),
  });
});
