import type { Job } from '../job/job.js';
import type { Execution, Executor, Survivor, Task } from './executor.js';
import { EXECUTOR_KINDS, type ExecutorKind, kindFor, usualKind } from './kinds.js';
import type { ExecuteOptions } from './options.js';

/**
 * One executor for all jobs of a run, which passes each job to the kind it asks for. Kinds are opened when the first job needs them; the
 * usual one at once, so that unusable options are refused before anything is claimed.
 * @throws RunmakerError `usage`
 */
export async function openExecutor(options: ExecuteOptions = {}, kinds: readonly ExecutorKind[] = EXECUTOR_KINDS): Promise<Executor> {
  const dispatcher = new Dispatcher(options, kinds);
  const usual = await dispatcher.openUsual();
  // With one kind there is nothing to decide.
  return kinds.length === 1 ? usual : dispatcher;
}

/** Passes each task to the executor of its kind. */
class Dispatcher implements Executor {
  private readonly opened = new Map<ExecutorKind, Promise<Executor>>();

  constructor(
    private readonly options: ExecuteOptions,
    private readonly kinds: readonly ExecutorKind[],
  ) {}

  openUsual(): Promise<Executor> {
    return this.open(usualKind(this.options, this.kinds));
  }

  async start(task: Task): Promise<Execution> {
    return await (await this.open(kindFor(task.job, this.options, this.kinds))).start(task);
  }

  async survivors(queue: string, jobs: readonly Job[]): Promise<readonly Survivor[]> {
    const kinds = new Set([...this.opened.keys(), ...jobs.map(job => kindFor(job, this.options, this.kinds))]);
    const found = await Promise.all([...kinds].map(async kind => (await (await this.open(kind)).survivors?.(queue, jobs)) ?? []));
    return found.flat();
  }

  async attach(handle: string, task: Task): Promise<Execution | undefined> {
    return await (await this.open(kindFor(task.job, this.options, this.kinds))).attach?.(handle, task);
  }

  async close(): Promise<void> {
    await Promise.all([...this.opened.values()].map(async opening => await (await opening).close?.()));
  }

  private open(kind: ExecutorKind): Promise<Executor> {
    const known = this.opened.get(kind);
    if (known) return known;
    const opening = kind.open(this.options);
    this.opened.set(kind, opening);
    return opening;
  }
}
