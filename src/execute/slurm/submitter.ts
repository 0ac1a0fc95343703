import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { RunmakerError } from '../../errors.js';
import { commandDigest } from '../../job/command-digest.js';
import type { Task } from '../executor.js';
import { ArrayFolder } from './array-folder.js';
import type { SlurmCommands } from './commands.js';
import { FILES, lineOf } from './script.js';
import type { ElementPlace } from './slurm-execution.js';

/** A task to be submitted with others. */
interface Waiting {
  readonly task: Task;
  readonly line: Buffer;
  readonly base: string;
  readonly submitted: (place: ElementPlace) => void;
  readonly refused: (error: unknown) => void;
}

/** How arrays are assembled and submitted. Times in ms. */
export interface SubmitterOptions {
  /** Most elements of one array. */
  readonly chunk: number;
  readonly warn: (message: string, hint: string) => void;
  /** Number of elements in progress: with many, it pays to wait for more before the next array. */
  readonly underWay: () => number;
}

/** How long jobs are gathered: while nothing else runs, and at most. */
const GATHER = { idle: 300, longest: 5000 };
/** Between two tries to submit while Slurm accepts no more jobs: doubled from the first to the longest. */
const REFUSED_PAUSE = { first: 5000, longest: 60_000 };
/** How often to look for an array whose submission was not answered before submitting it again. */
const LOOKS_FOR_LOST = 3;
const LOST_PAUSE = 5000;

/** Refusals caused by the job alone. */
const TOO_MUCH = /configuration is not available|memory required|processors requested|generic resource|gres|cpu count|time limit/i;

/** Gathers jobs with the same requests, and submits each group as one array. An array is submitted once, even if the answer is lost. */
export class Submitter {
  private readonly groups = new Map<string, Waiting[]>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly token = randomBytes(5).toString('hex');
  private readonly closing = new AbortController();
  private count = 0;
  private isWaitTold = false;

  constructor(
    private readonly commands: SlurmCommands,
    private readonly options: SubmitterOptions,
  ) {}

  /**
   * Submits a task, with others.
   * @param args of sbatch · @param base the folder for the array folders · @param element what to run
   * @throws RunmakerError `start` when Slurm refuses such a job, `usage` when it accepts none of this run
   */
  submit(task: Task, args: readonly string[], base: string, element: Parameters<typeof lineOf>[0]): Promise<ElementPlace> {
    const key = JSON.stringify([args, base, task.queue]);
    return new Promise((submitted, refused) => {
      const group = this.groups.get(key) ?? [];
      group.push({ task, line: lineOf(element), base, submitted, refused });
      this.groups.set(key, group);
      if (group.length >= this.options.chunk) this.flush(key, args);
      else this.timers.set(key, this.timers.get(key) ?? setTimeout(() => this.flush(key, args), this.gathering()));
    });
  }

  close(): void {
    this.closing.abort();
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  private gathering(): number {
    return Math.min(GATHER.idle + 20 * this.options.underWay(), GATHER.longest);
  }

  private flush(key: string, args: readonly string[]): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    const group = this.groups.get(key) ?? [];
    this.groups.delete(key);
    if (group.length === 0) return;
    void this.submitArray(group, args).catch(error => {
      for (const { refused } of group) refused(error);
    });
  }

  private async submitArray(group: readonly Waiting[], args: readonly string[]): Promise<void> {
    const [first] = group as readonly [Waiting];
    const folder = new ArrayFolder(first.base, `rm-${this.token}-${++this.count}`);
    const jobs = group.map(({ task: { job } }) => ({ id: job.id, print: commandDigest(job.command) }));
    const start = Date.now();
    const facts = { version: 1, queue: first.task.queue, name: folder.name, time: start, jobs } as const;
    await folder.write(
      facts,
      group.map(({ line }) => line),
    );
    const id = await this.submitOnce(folder, group, args);
    await folder.noteId(id);
    for (const [at, { submitted }] of group.entries()) submitted({ folder, id, index: at + 1, size: group.length, start });
  }

  private async submitOnce(folder: ArrayFolder, group: readonly Waiting[], args: readonly string[]): Promise<string> {
    const given = [...args, ...argsFor(folder, group.length)];
    const { signal } = this.closing;
    for (let wait = REFUSED_PAUSE.first; ; wait = Math.min(2 * wait, REFUSED_PAUSE.longest)) {
      const result = await this.commands.submit(given);
      if (result.kind === 'submitted') return result.id;
      if (result.kind === 'unknown') {
        const id = await findArray(this.commands, folder.name, signal);
        if (id !== undefined) return id;
        continue;
      }
      if (!result.passing) {
        await folder.remove();
        throw refusal(result.message, group);
      }
      this.tellWait(result.message);
      await pause(wait, undefined, { signal });
    }
  }

  private tellWait(message: string): void {
    if (this.isWaitTold) return;
    this.isWaitTold = true;
    this.options.warn(`Slurm takes no more jobs now: ${message}`, 'they are kept, and submitted when others have ended');
  }
}

/** Finds an array's id by its name, when sbatch could not tell it. Undefined if repeated queries do not find it. */
export async function findArray(commands: SlurmCommands, name: string, signal?: AbortSignal): Promise<string | undefined> {
  for (let look = 1; ; look++) {
    const [found] = await commands.states([name], signal);
    if (found) return found.element.split('_', 1)[0];
    if (look === LOOKS_FOR_LOST) return undefined;
    await pause(LOST_PAUSE, undefined, { signal });
  }
}

function argsFor(folder: ArrayFolder, size: number): string[] {
  return [
    `--job-name=${folder.name}`,
    `--comment=runmaker ${folder.path}`,
    `--array=1-${size}`,
    '--no-requeue',
    `--output=${folder.file('%a.out')}`,
    `--error=${folder.file('%a.err')}`,
    '--open-mode=append',
    folder.file(FILES.script),
  ];
}

/** Why a whole array was refused: because of its jobs' requests, or because nothing of this run is accepted. */
function refusal(message: string, group: readonly Waiting[]): RunmakerError {
  const ofJob = TOO_MUCH.test(message) || group.some(({ task }) => task.job.directives.slurm !== undefined);
  if (ofJob) return new RunmakerError('start', `Slurm does not take the job: ${message}`);
  return new RunmakerError('usage', `Slurm takes no job of this run: ${message}`, {
    hint: 'see what --slurm passes to sbatch: partition, account, qos; sinfo shows what there is',
  });
}
