import type { Readable } from 'node:stream';
import type { OutputStream, Task } from '../executor.js';

/**
 * Hands a process's output on as it comes, no faster than it is taken. Settles when both streams are closed and all of it was taken. Who
 * takes what came last of a stream that was destroyed is not waited for.
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
      // When a child exits, Node makes its streams flow again although they were paused.
      const taken = taking ? taking.then(() => task.output(name, bytes)) : task.output(name, bytes);
      if (taken === undefined) return;
      stream.pause();
      wait(taken);
    });
    // A process that was killed may leave a pipe behind that cannot be read: what matters is that it is closed.
    stream.on('error', () => stream.destroy());
    stream.once('close', () => {
      closed = true;
      if (taking === undefined || stream.readableAborted) resolve();
    });
  });
}
