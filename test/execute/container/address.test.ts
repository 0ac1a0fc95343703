import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { engineAddress } from '../../../src/execute/container/engine/address.js';
import { Engine } from '../../../src/execute/container/engine/engine.js';
import { temporaryFolder } from '../../support/temporary.js';

describe('the address of an engine', () => {
  it('is read from DOCKER_HOST', () => {
    expect(engineAddress({ DOCKER_HOST: 'unix:///a/b.sock' })).toMatchObject({ secure: false, options: { socketPath: '/a/b.sock' } });
    expect(engineAddress({ DOCKER_HOST: 'tcp://alice' })).toMatchObject({ secure: false, options: { host: 'alice', port: 2375 } });
    expect(engineAddress({ DOCKER_HOST: 'tcp://[::1]:99' }).options).toEqual({ host: '::1', port: 99 });
    expect(engineAddress({}).name).toMatch(/^unix:\/\/.*\.sock$/);
  });

  it.each(['ssh://alice', 'alice:2375', 'tcp://'])('cannot be %s', host => {
    expect(() => engineAddress({ DOCKER_HOST: host })).toThrow(/is not an address/);
  });

  it('requires the certificates of DOCKER_CERT_PATH with DOCKER_TLS_VERIFY, and names the missing one', () => {
    expect(() => engineAddress({ DOCKER_HOST: 'tcp://alice', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nowhere' })).toThrow(
      '/nowhere/ca.pem',
    );
  });

  it.skipIf(spawnSync('openssl', ['version']).status !== 0)('is reached over TLS with mutual authentication', async () => {
    const folder = temporaryFolder();
    const [key, cert, ca] = ['key.pem', 'cert.pem', 'ca.pem'].map(name => join(folder, name)) as [string, string, string];
    const subject = ['-subj', '/CN=engine', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', ...subject], {
      stdio: 'ignore',
    });
    copyFileSync(cert, ca);
    const files = { key: readFileSync(key), cert: readFileSync(cert), ca: readFileSync(ca) };
    const known: boolean[] = [];
    const server = https.createServer({ ...files, requestCert: true, rejectUnauthorized: true }, (request, response) => {
      known.push((request.socket as TLSSocket).authorized);
      response.setHeader('api-version', '1.41').end(request.url === '/v1.41/info' ? '{"NCPU":3}' : 'OK');
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const engine = new Engine(engineAddress({ DOCKER_HOST: host, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder }));
    expect(await engine.info()).toEqual({ NCPU: 3 });
    engine.close();
    expect(known).toEqual([true, true]);
  });
});
