import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { run } from '../support/programs.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

it('a missing package is named, and not mistaken for a host without locks', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'runmaker-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const part of ['bin', 'dist/programs', 'package.json']) cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
  const runs = path.join(folder, 'runs.txt');
  writeFileSync(runs, '. true\n');
  const { status, stderr } = await run(process.execPath, [path.join(folder, 'bin/runmaker.js'), runs]);
  expect(status).toBe(1);
  expect(stderr).toBe(
    'runmaker: the package koffi, which runmaker needs, is not installed\ninstall runmaker anew, or run npm install in its folder\n',
  );
});
