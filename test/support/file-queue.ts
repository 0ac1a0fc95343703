import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openQueue } from '../../src/queue/open.js';
import type { LockDriverName, Queue } from '../../src/queue/queue.js';
import type { MakeQueue } from '../conformance/queue-conformance.js';

/** Runs files for the conformance suite, locked by one driver. */
export function fileQueues(locks: LockDriverName): MakeQueue {
  return async content => {
    const folder = mkdtempSync(join(tmpdir(), 'runmaker-queue-'));
    const path = join(folder, 'runs.txt');
    writeFileSync(path, content);
    const handles: Queue[] = [];
    return {
      async open() {
        const queue = await openQueue(path, { locks });
        handles.push(queue);
        return queue;
      },
      content: () => Promise.resolve(readFileSync(path, 'utf8')),
      async close() {
        for (const queue of handles) await queue.close();
        rmSync(folder, { recursive: true });
      },
    };
  };
}
