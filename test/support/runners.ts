import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { programWords } from './programs.js';

/** The time limit of every process, in ms: fleets are slow on a busy machine. */
const LONGEST_LIFE = 280_000;

/** How a runner ended. */
export interface RunnerEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Starts any program with a longer time limit than most tests give, and returns how it ended. */
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

/** A runner on a git queue with its own cache, as if it were on its own host. */
export function gitRunner(
  folder: string,
  at: number | string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunnerEnd> {
  const [node, script] = programWords('runmaker');
  return longRun(node, [script, '--quiet', '--sleep', '200ms', ...args], { XDG_CACHE_HOME: join(folder, `cache-${at}`), ...env });
}

/** A folder with a program `python` that only records its arguments in a file. Returns the PATH to use, and the file. */
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
