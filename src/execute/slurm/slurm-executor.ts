/** Runs jobs through Slurm: jobs with the same requests share a job array, and each element leaves its exit status in a shared folder. */
import path from 'node:path';
import { RunmakerError } from '../../errors.js';
import { splitWords } from '../../job/shell-words.js';
import type { Execution, Executor, Survivor, Task } from '../executor.js';
import { ArrayFolder, arraysIn, baseBeside } from './array-folder.js';
import type { SlurmCommands } from './commands.js';
import { ElementWatcher } from './element-watcher.js';
import { requestOf } from './request.js';
import { SlurmExecution } from './slurm-execution.js';
import { findArray, Submitter } from './submitter.js';

/** Slurm options with all defaults applied. Times in ms. */
export interface SlurmSettings {
  /** For every sbatch. */
  readonly args: readonly string[];
  /** Most elements of one array. */
  readonly chunk: number;
  /** The least time between two calls of squeue. */
  readonly poll: number;
  /** Where the array folders are; by default beside the queue's file, otherwise in the working directory. */
  readonly folder: string | undefined;
  readonly shell: string;
  /** Where jobs run that name no folder. */
  readonly directory: string;
  readonly warn: (message: string, hint: string) => void;
}

export class SlurmExecutor implements Executor {
  private readonly watcher: ElementWatcher;
  private readonly submitter: Submitter;

  constructor(
    private readonly commands: SlurmCommands,
    private readonly settings: SlurmSettings,
  ) {
    const { chunk, poll, warn } = settings;
    this.watcher = new ElementWatcher(commands, poll);
    this.submitter = new Submitter(commands, { chunk, warn, underWay: () => this.watcher.size });
  }

  async start(task: Task): Promise<Execution> {
    const { job, environment, timeout } = task;
    const nul = job.command.indexOf(0);
    if (nul >= 0) throw new RunmakerError('start', `the command holds a NUL byte (byte ${nul + 1}), which no command line can carry`);
    const { args, directory, shell } = this.settings;
    const wanted = [...requestOf(job, timeout), ...args, ...wordsOf(job.directives.slurm)];
    const element = { command: job.command, environment, directory: task.directory ?? directory, shell };
    const place = await this.submitter.submit(task, wanted, this.baseFor(task.queue), element);
    return new SlurmExecution(place, task, this.watcher);
  }

  async survivors(queue: string): Promise<readonly Survivor[]> {
    const found = await Promise.all((await arraysIn(this.baseFor(queue))).map(folder => this.survivorsIn(folder, queue)));
    return found.flat();
  }

  async attach(handle: string, task: Task): Promise<Execution | undefined> {
    const [, id, index, folderPath] = /^(\d+)_(\d+)@(.+)$/.exec(handle) ?? [];
    if (id === undefined || folderPath === undefined) return undefined;
    const folder = new ArrayFolder(path.dirname(folderPath), path.basename(folderPath));
    const facts = await folder.facts();
    if (facts === undefined || (await folder.names()).has(`${index}.over`)) return undefined;
    return new SlurmExecution({ folder, id, index: Number(index), size: facts.jobs.length, start: facts.time }, task, this.watcher);
  }

  async close(): Promise<void> {
    this.submitter.close();
    this.watcher.close();
  }

  private baseFor(queue: string): string {
    const { folder } = this.settings;
    return folder === undefined ? baseBeside(queue) : path.resolve(folder);
  }

  /** The remains of an array. One that was never submitted leaves nothing running, and is removed. */
  private async survivorsIn(folder: ArrayFolder, queue: string): Promise<Survivor[]> {
    const facts = await folder.facts();
    if (facts?.queue !== queue) return [];
    const names = await folder.names();
    const id = (await folder.id()) ?? (await findArray(this.commands, folder.name));
    if (id === undefined) {
      if (![...names].some(name => name.includes('.begun'))) await folder.remove();
      return [];
    }
    await folder.noteId(id);
    const left = [...facts.jobs.entries()].filter(([at]) => !names.has(`${at + 1}.over`));
    return left.map(([at, { id: job, print }]) => ({
      handle: `${id}_${at + 1}@${folder.path}`,
      job,
      print,
      end: async () => {
        await this.commands.cancel([`${id}_${at + 1}`]);
        await folder.forget(at + 1, facts.jobs.length);
      },
    }));
  }
}

/** @throws RunmakerError `start` for more than plain words */
function wordsOf(text: string | undefined): readonly string[] {
  try {
    return text === undefined ? [] : splitWords(text, 'in slurm=');
  } catch (cause) {
    throw new RunmakerError('start', (cause as Error).message, { cause });
  }
}
