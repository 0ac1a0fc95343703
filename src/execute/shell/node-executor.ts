import type { ChildProcess, StdioOptions } from 'node:child_process';
import { createRequire } from 'node:module';
import os from 'node:os';
import type { Readable } from 'node:stream';
import { RunmakerError } from '../../errors.js';
import { hostName } from '../../system/host.js';
import type { Execution, Executor, Exit, Task } from '../executor.js';
import { scriptFor } from '../script.js';
import { carryOutputs } from './outputs.js';
import { presenceDescriptor } from './presence-descriptor.js';
import { ProcessGroup } from './process-group.js';
import type { Shell } from './shell.js';

/** Starts shells by Node's own child_process: works everywhere, but four times as slowly as posix_spawn. */
export class NodeExecutor implements Executor {
  // Most hosts never need it, and it takes longer to load than a job takes to start.
  private readonly childProcess = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');

  constructor(private readonly shell: Shell) {}

  async start(task: Task): Promise<Execution> {
    const child = this.spawn(task);
    if (child.pid === undefined) throw await failureOf(child);
    return new NodeExecution(child, child.pid, task);
  }

  /** By descriptor number; ignored ones above 2 are not opened at all. */
  private stdioFor({ presence }: Task): StdioOptions {
    const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'pipe'];
    if (presence === undefined) return stdio;
    const number = presenceDescriptor();
    return [...stdio, ...Array<'ignore'>(number - stdio.length).fill('ignore'), presence];
  }

  private spawn(task: Task): ChildProcess {
    const { program, leading, directory } = this.shell;
    const script = scriptFor(task.job.command);
    try {
      return this.childProcess.spawn(program, [...leading, script], {
        cwd: task.directory ?? directory,
        env: { ...process.env, ...task.environment },
        detached: true,
        stdio: this.stdioFor(task),
      });
    } catch (cause) {
      throw notStarted(cause as Error);
    }
  }
}

function failureOf(child: ChildProcess): Promise<RunmakerError> {
  return new Promise(resolve => child.once('error', cause => resolve(notStarted(cause))));
}

function notStarted(cause: Error): RunmakerError {
  return new RunmakerError('start', `the shell could not be started: ${cause.message}`, { cause });
}

class NodeExecution implements Execution {
  readonly handle: string;
  readonly label: string;
  readonly exit: Promise<Exit>;
  private readonly group: ProcessGroup;

  constructor(
    private readonly child: ChildProcess,
    readonly pid: number,
    task: Task,
  ) {
    this.group = new ProcessGroup(pid);
    this.handle = String(pid);
    this.label = `${hostName()},${pid}`;
    const exited = new Promise<Exit>(resolve => {
      child.once('exit', (code, signal) => {
        this.group.leaderReaped();
        resolve(signal ? { kind: 'signalled', signal: os.constants.signals[signal] } : { kind: 'exited', code: code as number });
      });
    });
    this.exit = carryOutputs(child.stdout as Readable, child.stderr as Readable, task).then(async () => {
      const exit = await exited;
      this.group.reaped();
      return exit;
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.group.kill(signal);
  }

  gone(): Promise<void> {
    return this.group.emptied();
  }

  abandon(): void {
    this.group.abandon();
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }
}
