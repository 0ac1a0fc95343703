import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { executorConformance } from '../conformance/executor-conformance.js';
import { TimerExecutor } from '../support/timer-executor.js';

describe('the suite accepts an executor whose tasks are timers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runmaker-timers-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  executorConformance('timers', () => new TimerExecutor(join(folder, 'timers')), { shell: false, crowd: 100, latency: 500 });
});
