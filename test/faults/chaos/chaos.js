#!/usr/bin/env node
// The long form of the chaos run: rounds of 3,000 jobs, each with the next seed, until the time is up or a law is broken.
// usage: node test/faults/chaos/chaos.js [--minutes 10] [--seed 1]        (after a build; exits with 0 if no law was broken)
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } });
for (const [name, value] of Object.entries(values)) {
  if (!/^\d+(\.\d+)?$/.test(value)) {
    console.error(`chaos: --${name} ${JSON.stringify(value)} is not a number`);
    process.exit(2);
  }
}

const vitest = path.join(path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--config', 'test/faults/vitest.config.ts', 'test/faults/chaos/chaos.test.ts'],
  {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    stdio: 'inherit',
    env: {
      ...process.env,
      RUNMAKER_CHAOS_MINUTES: values.minutes,
      ...(values.seed !== undefined && { RUNMAKER_CHAOS_SEED: values.seed }),
    },
  },
);
process.exit(status ?? 1);
