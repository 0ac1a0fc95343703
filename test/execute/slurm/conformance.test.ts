import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import type { Executor } from '../../../src/execute/executor.js';
import { openSlurmExecutor } from '../../../src/execute/slurm/open-slurm-executor.js';
import { executorConformance } from '../../conformance/executor-conformance.js';
import { Slurm } from '../../support/slurm.js';

describe('jobs through Slurm', { tags: ['slurm', 'long'] }, () => {
  let slurm: Slurm;
  const slurmDir = mkdtempSync(join(tmpdir(), 'runmaker-arrays-'));
  const opened: Executor[] = [];

  beforeAll(async () => {
    slurm = await Slurm.start();
    process.env.SLURM_CONF = slurm.env.SLURM_CONF;
  }, 60_000);

  afterAll(async () => {
    for (const executor of opened) await executor.close?.();
    delete process.env.SLURM_CONF;
    await slurm?.stop();
    rmSync(slurmDir, { recursive: true, force: true });
  }, 60_000);

  const make = async (): Promise<Executor> => {
    const executor = await openSlurmExecutor({ slurmDir, poll: 1000, slurmRate: 20 });
    opened.push(executor);
    return executor;
  };
  executorConformance('slurm', make, { shell: true, directory: tmpdir(), crowd: 20, latency: 5000 });
});
