import type { Exit } from '../../job/outcome.js';
import type { Execution, Task } from '../executor.js';
import type { ArrayFolder } from './array-folder.js';
import { OutputFollower } from './output-follower.js';

/** An element of an array, and where it is. */
export interface ElementPlace {
  readonly folder: ArrayFolder;
  /** Of the array in Slurm. */
  readonly id: string;
  /** From 1. */
  readonly index: number;
  /** Elements of the array. */
  readonly size: number;
  /** When it was submitted, in ms since 1970. */
  readonly start: number;
}

/** Sees how executions end, and sends their signals. */
export interface Followers {
  add(execution: SlurmExecution): void;
  remove(execution: SlurmExecution): void;
  kill(execution: SlurmExecution): void;
}

/** One element of an array that was submitted, followed from here. */
export class SlurmExecution implements Execution {
  readonly handle: string;
  readonly label: string;
  /** `123_4`, as Slurm names it. */
  readonly element: string;
  readonly start: number;
  /** Slurm ends it at its time limit: the runner's clock began when it was submitted, not when it started. */
  readonly limitsTime = true;
  readonly exit: Promise<Exit>;
  /** The last signal by which it was told to end. */
  signalled: 15 | 9 | undefined;
  private settle: (exit: Exit) => void = () => undefined;
  private isSettled = false;
  private following: Promise<void> | undefined;
  private readonly outputs: readonly OutputFollower[];

  constructor(
    readonly place: ElementPlace,
    task: Task,
    private readonly watcher: Followers,
  ) {
    const { folder, id, index, start } = place;
    this.element = `${id}_${index}`;
    this.handle = `${this.element}@${folder.path}`;
    this.label = `slurm,${this.element}`;
    this.start = start;
    this.exit = new Promise(resolve => {
      this.settle = resolve;
    });
    this.outputs = [
      new OutputFollower(folder.file(`${index}.out`), 'stdout', task),
      new OutputFollower(folder.file(`${index}.err`), 'stderr', task),
    ];
    watcher.add(this);
  }

  /** Hands on what it has printed since the last look. One look at a time: a reader that is slow slows down nobody else. */
  follow(): void {
    this.following ??= this.look().finally(() => {
      this.following = undefined;
    });
  }

  /** It has ended: hands on the rest of its output, then settles. */
  async end(exit: Exit): Promise<void> {
    this.watcher.remove(this);
    if (this.isSettled) return;
    this.isSettled = true;
    await this.following;
    // What cannot be read any more is not worth the job's result.
    for (const output of this.outputs) await output.finish().catch(() => undefined);
    this.settle(exit);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.isSettled || (signal !== 'SIGTERM' && signal !== 'SIGKILL')) return;
    this.signalled = signal === 'SIGTERM' ? 15 : 9;
    this.watcher.kill(this);
  }

  abandon(): void {
    this.watcher.remove(this);
    if (this.isSettled) return;
    this.isSettled = true;
    this.settle({ kind: 'signalled', signal: 9 });
  }

  async detach(): Promise<void> {
    this.watcher.remove(this);
    this.isSettled = true;
    await this.following;
    for (const output of this.outputs) await output.close();
  }

  async forget(): Promise<void> {
    await this.place.folder.forget(this.place.index, this.place.size);
  }

  private async look(): Promise<void> {
    for (const output of this.outputs) await output.look().catch(() => undefined);
  }
}
