import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import os from 'node:os';
import type { Readable } from 'node:stream';
import { RunmakerError } from '../../errors.js';
import { hostName } from '../../system/host.js';
import type { Execution, Executor, Exit, OutputStream, Task } from '../executor.js';
import { findProgram } from './find-program.js';
import { scriptFor } from './script.js';

/** How commands are run. */
export interface ShellOptions {
  /** `/bin/sh` by default; a name without slash is looked up in PATH. */
  readonly shell?: string | undefined;
  /** Where; the runner's own working directory by default. */
  readonly directory?: string | undefined;
  /** Added to the niceness that the runner has. */
  readonly nice?: number | undefined;
}

/**
 * Runs commands as `sh -c command`, each in a session and process group of its own, with nothing on its standard input.
 * @throws RunmakerError `usage` when the shell or the directory cannot be used
 */
export class ShellExecutor implements Executor {
  private readonly program: string;
  private readonly leading: readonly string[];
  private readonly directory: string;

  constructor(options: ShellOptions = {}) {
    const shell = options.shell ?? '/bin/sh';
    const found = findProgram(shell, process.env.PATH ?? '');
    if (found === undefined) throw new RunmakerError('usage', `the shell ${shell} is not there or cannot be executed`);
    this.directory = options.directory ?? process.cwd();
    if (!isDirectory(this.directory)) throw new RunmakerError('usage', `${this.directory} is not a directory that jobs could run in`);
    // nice(1) becomes the shell (same process id), so the job is nice from its first instruction on.
    const nice = options.nice ? ['nice', '-n', String(options.nice)] : [];
    const [program, ...leading] = [...nice, found, '-c'];
    this.program = program as string;
    this.leading = leading;
  }

  async start(task: Task): Promise<Execution> {
    const child = spawn(this.program, [...this.leading, scriptFor(task.command)], {
      cwd: this.directory,
      env: { ...process.env, ...task.environment },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(task.presence === undefined ? [] : [task.presence])],
    });
    if (child.pid === undefined) throw await failureOf(child);
    return new ShellExecution(child, child.pid, task);
  }
}

function isDirectory(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function failureOf(child: ChildProcess): Promise<RunmakerError> {
  return new Promise(resolve => {
    child.once('error', cause => resolve(new RunmakerError('start', `the shell could not be started: ${cause.message}`, { cause })));
  });
}

class ShellExecution implements Execution {
  readonly label: string;
  readonly exit: Promise<Exit>;
  private ended = false;
  private taking = Promise.resolve<unknown>(undefined);

  constructor(
    private readonly child: ChildProcess,
    readonly pid: number,
    task: Task,
  ) {
    this.label = `${hostName()},${pid}`;
    this.carry(child.stdout as Readable, 'stdout', task);
    this.carry(child.stderr as Readable, 'stderr', task);
    this.exit = new Promise(resolve => {
      child.once('close', (code, signal) => {
        this.ended = true;
        const exit: Exit = signal ? { kind: 'signalled', signal: os.constants.signals[signal] } : { kind: 'exited', code: code as number };
        void this.taking.then(() => resolve(exit));
      });
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.ended) return;
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      // The group is gone: what was to be ended has ended.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  abandon(): void {
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }

  private carry(stream: Readable, name: OutputStream, task: Task): void {
    stream.on('data', (bytes: Buffer) => {
      const taken = task.output(name, bytes);
      if (taken === undefined) return;
      stream.pause();
      const resumed = taken.then(() => stream.resume());
      this.taking = Promise.all([this.taking, resumed]);
    });
  }
}
