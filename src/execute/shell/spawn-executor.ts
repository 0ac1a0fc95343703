import { errnoName, RunmakerError } from '../../errors.js';
import { hostName } from '../../system/host.js';
import { type Environment, type Spawned, type Spawner, terminated } from '../../system/posix-spawn.js';
import type { Execution, Executor, Exit, Task } from '../executor.js';
import { refuseUnpassable } from '../script.js';
import { Pipe, PipeMemory } from './pipe.js';
import { presenceDescriptor } from './presence-descriptor.js';
import { ProcessGroup } from './process-group.js';
import { Reaper } from './reaper.js';
import type { Shell } from './shell.js';

/** Starts shells by posix_spawn(3): in a quarter of the time of Node's own way, and commands are passed byte for byte. */
export class SpawnExecutor implements Executor {
  private readonly environment: Environment;
  private readonly reaper: Reaper;
  private readonly memory = new PipeMemory();
  private readonly leading: readonly Buffer[];
  private readonly presenceDescriptor = presenceDescriptor();

  constructor(
    private readonly shell: Shell,
    private readonly spawner: Spawner,
  ) {
    this.environment = spawner.environment(process.env);
    this.reaper = new Reaper(spawner);
    this.leading = [shell.program, ...shell.leading].map(text => terminated(Buffer.from(text)));
  }

  async start(task: Task): Promise<Execution> {
    refuseUnpassable(task.job.command, task.job.command.length);
    return new SpawnedExecution(await this.spawn(task), task, this.reaper, this.memory);
  }

  private async spawn(task: Task): Promise<Spawned> {
    try {
      return await this.spawner.spawn({
        program: this.shell.program,
        argv: [...this.leading, terminated(task.job.command)],
        environment: this.environment,
        variables: task.environment,
        directory: task.directory ?? this.shell.directory,
        inherit: task.presence === undefined ? undefined : { from: task.presence, to: this.presenceDescriptor },
      });
    } catch (cause) {
      if (errnoName(cause) === undefined) throw cause;
      throw new RunmakerError('start', `the shell could not be started: ${(cause as Error).message}`, { cause });
    }
  }
}

class SpawnedExecution implements Execution {
  readonly handle: string;
  readonly label: string;
  readonly pid: number;
  readonly exit: Promise<Exit>;
  private readonly outputs: readonly Pipe[];
  private readonly group: ProcessGroup;

  constructor({ pid, stdout, stderr }: Spawned, task: Task, reaper: Reaper, memory: PipeMemory) {
    this.pid = pid;
    this.group = new ProcessGroup(pid);
    this.handle = String(pid);
    this.label = `${hostName()},${pid}`;
    this.outputs = [
      new Pipe(stdout, memory, bytes => task.output('stdout', bytes)),
      new Pipe(stderr, memory, bytes => task.output('stderr', bytes)),
    ];
    this.exit = Promise.all(this.outputs.map(output => output.closed))
      .then(() => reaper.exitOf(pid))
      .finally(() => this.group.reaped());
  }

  kill(signal: NodeJS.Signals): void {
    this.group.kill(signal);
  }

  gone(): Promise<void> {
    return this.group.emptied();
  }

  abandon(): void {
    this.group.abandon();
    for (const output of this.outputs) output.destroy();
  }
}
