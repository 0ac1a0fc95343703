import type { Readable } from 'node:stream';
import type { OutputStream, Task } from '../executor.js';

/**
 * Passes on a process's output as it comes, no faster than it is taken. Settles when both streams are closed and all output was taken. Does
 * not wait for the last output of a destroyed stream to be taken.
 */
export async function carryOutputs(stdout: Readable, stderr: Readable, task: Task): Promise<void> {
  await Promise.all([carry(stdout, 'stdout', task), carry(stderr, 'stderr', task)]);
}

function carry(stream: Readable, name: OutputStream, task: Task): Promise<void> {
  return new Promise(resolve => {
    let taking: Promise<void> | undefined;
    let closed = false;

    const wait = (taken: Promise<void>): void => {
      const waiting = taken.then(() => {
        if (taking !== waiting) return;
        taking = undefined;
        if (closed) resolve();
        else stream.resume();
      });
      taking = waiting;
    };

    stream.on('data', (bytes: Buffer) => {
      // When a child exits, Node resumes its streams even if they were paused.
      const taken = taking ? taking.then(() => task.output(name, bytes)) : task.output(name, bytes);
      if (taken === undefined) return;
      stream.pause();
      wait(taken);
    });
    // A killed process may leave a pipe that cannot be read: only its closing matters.
    stream.on('error', () => stream.destroy());
    stream.once('close', () => {
      closed = true;
      if (taking === undefined || stream.readableAborted) resolve();
    });
  });
}
