import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { eventually } from './eventually.js';

/** The programs as they are installed; they run the build in dist/. */
const BIN = fileURLToPath(new URL('../../bin/', import.meta.url));
const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** The time limit of every process started in a test, in ms. */
const LONGEST_LIFE = 60_000;

export const HOST = os.hostname().split('.')[0] as string;

/** How a process ended, and its output. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The bytes of stdout. */
  readonly bytes: Buffer;
}

/** What a process is given. */
export interface StartOptions {
  readonly cwd?: string;
  /** Added to the environment of the tests; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Its input; nothing when absent. */
  readonly input?: string | Buffer;
  /** Enforces permissions of files, even for root. */
  readonly unprivileged?: boolean;
  /** In a process group of its own. */
  readonly detached?: boolean;
  /** Descriptors from 3 on. */
  readonly inherit?: readonly number[];
}

/** A started process, which is ended after the test. */
export class Running {
  readonly ended: Promise<Ended>;
  private readonly out: Buffer[] = [];
  private readonly err: Buffer[] = [];

  constructor(readonly child: ChildProcess) {
    child.stdout?.on('data', (bytes: Buffer) => this.out.push(bytes));
    child.stderr?.on('data', (bytes: Buffer) => this.err.push(bytes));
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) =>
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr, bytes: Buffer.concat(this.out) }),
      );
    });
    this.ended.catch(() => undefined);
    const end = setTimeout(() => child.kill('SIGKILL'), LONGEST_LIFE);
    void this.ended.then(() => clearTimeout(end));
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      child.stdout?.destroy();
      child.stderr?.destroy();
      await this.ended;
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Its output so far. */
  get stdout(): string {
    return Buffer.concat(this.out).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.err).toString();
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Waits until it has printed this. */
  async says(text: string): Promise<void> {
    await eventually(`${JSON.stringify(text)} is printed`, () => this.stdout.includes(text) || this.stderr.includes(text));
  }

  /** Closes its input. */
  endInput(): void {
    this.child.stdin?.end();
  }
}

/** Root without the right to override permissions: setpriv(1) of util-linux. */
const WITHOUT_PRIVILEGES = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];

/** Starts any program. Its standard input stays open until `endInput`. */
export function start(program: string, args: readonly string[], options: StartOptions = {}): Running {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete env[name];
  const given: SpawnOptions = {
    env,
    stdio: ['pipe', 'pipe', 'pipe', ...(options.inherit ?? [])],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.detached && { detached: true }),
  };
  const words = [...(options.unprivileged && process.getuid?.() === 0 ? WITHOUT_PRIVILEGES : []), program, ...args];
  const child = spawn(words[0] as string, words.slice(1), given);
  // A process that does not read its input may exit before it is written.
  child.stdin?.on('error', () => undefined);
  if (options.input !== undefined) child.stdin?.end(options.input);
  return new Running(child);
}

/** Runs any program to its end. */
export function run(program: string, args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return start(program, args, { input: '', ...options }).ended;
}

export type Program = 'runmaker' | 'runmaker-client' | 'runmaker-server' | 'runset' | 'runwait';

/** The words that start a built program; for shell scripts and for other programs' arguments. */
export function programWords(program: Program): [node: string, script: string] {
  return [process.execPath, `${BIN}${program}.js`];
}

export function startProgram(program: Program, args: readonly string[], options: StartOptions = {}): Running {
  const [node, script] = programWords(program);
  return start(node, [script, ...args], { input: '', ...options });
}

export function runmaker(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return startProgram('runmaker', args, options).ended;
}

export function runset(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return startProgram('runset', args, options).ended;
}

export function runwait(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return startProgram('runwait', args, options).ended;
}

/** The path of a file in test/fixtures/. */
export function fixture(name: string): string {
  return `${FIXTURES}${name}`;
}

/** Whether a process exists and is active: a zombie, which waits to be reaped, does not count. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
