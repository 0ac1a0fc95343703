import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { programWords } from './programs.js';

/** Fleets take their time on a busy machine; nothing lives longer, in ms. */
const LONGEST_LIFE = 280_000;

/** How a runner ended. */
export interface RunnerEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Starts any program with a longer life than most tests give, and returns how it ended. */
export function longRun(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<RunnerEnd> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', bytes => {
    stderr += String(bytes);
  });
  const end = setTimeout(() => child.kill('SIGKILL'), LONGEST_LIFE);
  const ended = new Promise<RunnerEnd>(resolve => child.once('close', (status, signal) => resolve({ status, signal, stderr })));
  void ended.then(() => clearTimeout(end));
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  return ended;
}

/** A runner on a git queue with a cache of its own, as if it were on a host of its own. */
export function gitRunner(
  folder: string,
  at: number | string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunnerEnd> {
  const [node, script] = programWords('runmaker');
  return longRun(node, [script, '--quiet', '--sleep', '200ms', ...args], { XDG_CACHE_HOME: join(folder, `cache-${at}`), ...env });
}

/** A folder with a program `python` in it that only writes down its words, in a file. Returns what PATH is to be, and the file. */
export function fakePython(folder: string): { path: string; log: string } {
  const bin = join(folder, 'bin');
  const log = join(folder, 'log');
  mkdirSync(bin);
  writeFileSync(join(bin, 'python'), `#!/bin/sh\necho "$*" >> ${log}\n`);
  chmodSync(join(bin, 'python'), 0o755);
  return { path: `${bin}:${process.env.PATH}`, log };
}

export function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}
