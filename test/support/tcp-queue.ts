import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openQueue } from '../../src/queue/open.js';
import type { LockDriverName, Queue } from '../../src/queue/queue.js';
import type { ServerLog } from '../../src/server/log.js';
import { type ServeOptions, type Service, serve } from '../../src/server/tcp/serve.js';
import { printAddress } from '../../src/wire/address.js';
import type { MakeQueue } from '../conformance/queue-conformance.js';

export const TOKEN = '0123456789ABCDEFGHJKMNPQRS';

/** Collects a server's messages. */
export class KeptLog implements ServerLog {
  readonly lines: string[] = [];

  warn(text: string): void {
    this.lines.push(`! ${text}`);
  }

  info(text: string): void {
    this.lines.push(`  ${text}`);
  }

  detail(text: () => string): void {
    this.lines.push(`. ${text()}`);
  }
}

/** A server in this process, on a port chosen by the system. */
export async function serveHere(queue: Queue, options: Partial<ServeOptions> = {}): Promise<Service & { readonly url: string }> {
  const service = await serve(queue, {
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    token: TOKEN,
    grace: 60_000,
    maxClients: 1000,
    log: new KeptLog(),
    ...options,
  });
  const url = service.address.kind === 'unix' ? printAddress(service.address) : `tcp://${printAddress(service.address)}`;
  return Object.assign(service, { url });
}

/** Served runs files for the conformance suite. */
export function tcpQueues(options: Partial<ServeOptions> = {}, locks: LockDriverName = 'record'): MakeQueue {
  return async content => {
    const folder = mkdtempSync(join(tmpdir(), 'runmaker-queue-'));
    const path = join(folder, 'runs.txt');
    writeFileSync(path, '');
    const served = await openQueue(path, { locks });
    const service = await serveHere(served, options);
    // Only now: jobs in state r when a server starts are kept for clients that may return.
    writeFileSync(path, content);
    const handles: Queue[] = [];
    return {
      async open() {
        const queue = await openQueue(service.url, { token: TOKEN });
        handles.push(queue);
        return queue;
      },
      content: () => Promise.resolve(readFileSync(path, 'utf8')),
      async close() {
        for (const queue of handles) await queue.close();
        await service.close();
        await served.close();
        rmSync(folder, { recursive: true });
      },
    };
  };
}
