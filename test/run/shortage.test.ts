import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RunmakerError } from '../../src/errors.js';
import type { Executor } from '../../src/execute/executor.js';
import { shellExecutor } from '../../src/execute/shell/shell-executor.js';
import type { RunEvent } from '../../src/run/events.js';
import { Runner } from '../../src/run/runner.js';
import { openRuns } from '../support/queues.js';
import { runsFile } from '../support/temporary.js';

/** An executor that cannot start each job the first so many times. The command is the name of the error. */
function failing(times: number, onStart = (): void => undefined): Executor & { readonly starts: string[] } {
  const shell = shellExecutor();
  const starts: string[] = [];
  return {
    starts,
    start(task) {
      const errno = task.job.command.toString();
      starts.push(errno);
      onStart();
      if (starts.filter(start => start === errno).length <= times)
        throw new RunmakerError('start', 'no process', { cause: Object.assign(new Error(errno), { code: errno }) });
      return shell.start({ ...task, job: { ...task.job, command: Buffer.from('true') } });
    },
  };
}

describe('a job that cannot be started', () => {
  it('for lack of processes, memory or descriptors is tried again after a pause', async () => {
    const shortages = ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE'];
    const path = runsFile(shortages.map(errno => `. ${errno}\n`).join(''));
    const executor = failing(1);
    const events: RunEvent[] = [];
    const began = performance.now();
    await new Runner(await openRuns(path), { jobs: 4, executor, listeners: [event => void events.push(event)] }).run();
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(executor.starts.toSorted()).toEqual([...shortages, ...shortages].toSorted());
    // What could not be started was no attempt.
    expect(events.flatMap(event => (event.type === 'started' ? [event.attempt] : []))).toEqual([1, 1, 1, 1]);
    expect(readFileSync(path, 'utf8')).toBe(shortages.map(errno => `d ${errno}\n`).join(''));
  });

  it('for another reason is an error at once', async () => {
    const path = runsFile('. EACCES\n');
    const executor = failing(1);
    expect(await new Runner(await openRuns(path), { executor }).run()).toMatchObject({ succeeded: 0, errors: 1 });
    expect(executor.starts).toEqual(['EACCES']);
    expect(readFileSync(path, 'utf8')).toBe('e EACCES\n');
  });

  it('is not tried again by a runner that is interrupted meanwhile', async () => {
    const path = runsFile('. EAGAIN\n');
    const executor = failing(100, () => runner.interrupt());
    const runner = new Runner(await openRuns(path), { executor });
    expect(await runner.run()).toMatchObject({ succeeded: 0, errors: 1 });
    expect(executor.starts).toEqual(['EAGAIN']);
    expect(readFileSync(path, 'utf8')).toBe('e EAGAIN\n');
  });
});
