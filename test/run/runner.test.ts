import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Queue } from '../../src/queue/queue.js';
import { Runner } from '../../src/run/runner.js';
import { openRuns } from '../support/queues.js';
import { runsFile } from '../support/temporary.js';

/** The same queue, but something happens while it is asked for a job. */
function during(queue: Queue, act: () => void): Queue {
  return Object.create(queue, {
    claim: {
      async value(...request: Parameters<Queue['claim']>) {
        const result = await queue.claim(...request);
        act();
        return result;
      },
    },
  });
}

describe('a runner that is told to drain while it claims a job', () => {
  it.each(['.', '!', 'e'])('gives it back as it was: %s', async state => {
    const path = runsFile(`${state} false\n. true\n`);
    const runner = new Runner(
      during(await openRuns(path), () => runner.drain()),
      { retry: true },
    );
    await runner.run();
    expect(readFileSync(path, 'utf8')).toBe(`${state} false\n. true\n`);
  });
});
