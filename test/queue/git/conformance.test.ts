import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { openQueue } from '../../../src/queue/open.js';
import type { Queue } from '../../../src/queue/queue.js';
import { describeQueue, type QueueUnderTest } from '../../conformance/queue-conformance.js';
import { Repository } from '../../support/git.js';

const cache = mkdtempSync(join(tmpdir(), 'runmaker-cache-'));

beforeAll(() => {
  process.env.XDG_CACHE_HOME = cache;
});
afterAll(() => {
  delete process.env.XDG_CACHE_HOME;
  rmSync(cache, { recursive: true, force: true, maxRetries: 5 });
});

async function makeQueue(content: string): Promise<QueueUnderTest> {
  const repository = new Repository({ 'runs.txt': content });
  const handles: Queue[] = [];
  return {
    async open() {
      const queue = await openQueue(repository.name(), { sleep: 50 });
      handles.push(queue);
      return queue;
    },
    content: () => Promise.resolve(repository.read()),
    async close() {
      await Promise.all(handles.map(queue => queue.close()));
      repository.remove();
    },
  };
}

/** Each claim is a commit and a push, and concurrent pushes take turns. */
const SLOWNESS = 5;

describeQueue('a file in a git repository', { presence: true }, makeQueue, SLOWNESS);
