import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const CONFIG = 'application/vnd.docker.container.image.v1+json';
const LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

/** A registry on this host that holds one image, `HOST:PORT/busybox:1`, and counts its downloads. */
export class Registry {
  /** How often the image's layer was sent. */
  layersSent = 0;
  /** How long the layer takes, in ms. */
  delay = 0;
  private readonly blobs = new Map<string, { readonly type: string; readonly bytes: Buffer }>();
  private readonly manifest: Buffer;
  private readonly layer: string;
  private readonly server = createServer((request, response) => void this.answer(request.url ?? '', response));

  private constructor(tar: Buffer) {
    this.layer = this.keep(LAYER, gzipSync(tar, { level: 1 }));
    const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] };
    const description = { architecture: 'amd64', os: 'linux', config: { Env: ['PATH=/bin'] }, rootfs, history: [{ created_by: 'a test' }] };
    const config = this.keep(CONFIG, Buffer.from(JSON.stringify(description)));
    const blob = (mediaType: string, digest: string) => ({ mediaType, digest, size: this.blobs.get(digest)?.bytes.length });
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config: blob(CONFIG, config), layers: [blob(LAYER, this.layer)] };
    this.manifest = Buffer.from(JSON.stringify(manifest));
    this.keep(MANIFEST, this.manifest);
  }

  /** @param tar the file system of the image */
  static async start(tar: Buffer): Promise<Registry> {
    const registry = new Registry(tar);
    await new Promise<void>(resolve => registry.server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  /** As a job names it. */
  get image(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}/busybox:1`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise(resolve => this.server.close(resolve));
  }

  private async answer(url: string, response: ServerResponse): Promise<void> {
    if (url === '/v2/') return void response.writeHead(200).end('{}');
    const [, kind, reference = ''] = /^\/v2\/busybox\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const found = this.blobs.get(kind === 'manifests' && reference === '1' ? digestOf(this.manifest) : reference);
    if (!found)
      return void response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
    response.writeHead(200, {
      'content-type': found.type,
      'content-length': found.bytes.length,
      'docker-content-digest': digestOf(found.bytes),
    });
    if (reference === this.layer) {
      this.layersSent++;
      response.write(found.bytes.subarray(0, 1000));
      await setTimeout(this.delay);
      return void response.end(found.bytes.subarray(1000));
    }
    response.end(found.bytes);
  }

  private keep(type: string, bytes: Buffer): string {
    const digest = digestOf(bytes);
    this.blobs.set(digest, { type, bytes });
    return digest;
  }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
