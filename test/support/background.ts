import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type Program, programWords } from './programs.js';

/** How a process ended. */
export interface End {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The working directory, and the files that receive the output. */
export interface BackgroundOptions {
  readonly cwd: string;
  readonly stdout: string;
  readonly stderr: string;
  /** For node, before the program. */
  readonly nodeOptions?: readonly string[];
}

/**
 * A built program whose outputs go to files, so that it never waits for a reader. Killed after the test if it still runs.
 */
export class Background {
  readonly end: Promise<End>;
  isAlive = true;

  constructor(private readonly child: ChildProcess) {
    this.end = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (status, signal) => {
        this.isAlive = false;
        resolve({ status, signal });
      });
    });
    onTestFinished(async () => {
      this.signal('SIGKILL');
      await this.end;
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** No other process can have the id: until `exit` was emitted the process has not been reaped. */
  signal(signal: NodeJS.Signals): void {
    if (this.isAlive) this.child.kill(signal);
  }

  /** The exit, if it comes within the given ms; throws otherwise. */
  async within(ms: number): Promise<End> {
    const enough = new AbortController();
    const tooLong = setTimeout(ms, undefined, { signal: enough.signal }).then(() => {
      throw new Error(`after ${ms} ms process ${this.pid} is still there: ${this.child.spawnargs.slice(1).join(' ')}`);
    });
    tooLong.catch(() => undefined);
    try {
      return await Promise.race([this.end, tooLong]);
    } finally {
      enough.abort();
    }
  }
}

export function startInBackground(program: Program, args: readonly string[], options: BackgroundOptions): Background {
  const [node, script] = programWords(program);
  return startNode([...(options.nodeOptions ?? []), script, ...args], options, node);
}

/** A script of the tests as a separate process. */
export function startNode(args: readonly string[], { cwd, stdout, stderr }: BackgroundOptions, node = process.execPath): Background {
  const [out, err] = [openSync(stdout, 'a'), openSync(stderr, 'a')];
  try {
    return new Background(spawn(node, args, { cwd, stdio: ['ignore', out, err] }));
  } finally {
    closeSync(out);
    closeSync(err);
  }
}
