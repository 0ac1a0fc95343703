import type { Exit } from '../../job/outcome.js';
import type { Execution, Task } from '../executor.js';
import type { ArrayFolder } from './array-folder.js';
import { OutputFollower } from './output-follower.js';

/** An element of an array, and its location. */
export interface ElementPlace {
  readonly folder: ArrayFolder;
  /** Of the array in Slurm. */
  readonly id: string;
  /** From 1. */
  readonly index: number;
  /** Elements of the array. */
  readonly size: number;
  /** Time of submission, in ms since 1970. */
  readonly start: number;
}

/** Detects how executions end, and sends their signals. */
export interface Followers {
  add(execution: SlurmExecution): void;
  remove(execution: SlurmExecution): void;
  kill(execution: SlurmExecution): void;
}

/** One element of a submitted array, followed from here. */
export class SlurmExecution implements Execution {
  readonly handle: string;
  readonly label: string;
  /** `123_4`, as Slurm names it. */
  readonly element: string;
  readonly start: number;
  /** Slurm ends it at its time limit: the runner's clock began at the submission, not at the start. */
  readonly limitsTime = true;
  readonly exit: Promise<Exit>;
  /** The last signal sent to end it. */
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

  /** Passes on new output. One read at a time: a slow reader delays no other job. */
  follow(): void {
    this.following ??= this.look().finally(() => {
      this.following = undefined;
    });
  }

  /** It has ended: passes on the rest of its output, then settles. */
  async end(exit: Exit): Promise<void> {
    this.watcher.remove(this);
    if (this.isSettled) return;
    this.isSettled = true;
    await this.following;
    // Output that cannot be read must not cost the job its result.
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
