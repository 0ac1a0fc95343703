import type { Execution, Executor, Survivor, Task } from '../../src/execute/executor.js';

/** The smallest executor that outlives its runner: see timer-executor.js. */
export declare class TimerExecutor implements Executor {
  constructor(file: string);
  start(task: Task): Promise<Execution>;
  survivors(queue: string): Promise<readonly Survivor[]>;
  attach(handle: string, task: Task): Promise<Execution | undefined>;
}
