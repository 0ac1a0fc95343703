import { spawn } from 'node:child_process';

/** Tells the copy of a program that it is to serve, and which process started it. */
const MARK = 'RUNMAKER_DETACHED_FROM';

/** What a detached program reports before its starter exits. */
export type Report<T> = { readonly kind: 'ready'; readonly value: T } | { readonly kind: 'failed'; readonly error: T };

/** Whether this process is the copy that `startDetached` has started. To be called once: its own children are no such copies. */
export function isDetached(): boolean {
  const isMarked = process.env[MARK] === String(process.ppid) && process.send !== undefined;
  delete process.env[MARK];
  return isMarked;
}

/**
 * Starts this program again with the same arguments: in a session of its own, with empty standard streams. Settles with the copy's report.
 */
export function startDetached<T>(): Promise<Report<T>> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, [MARK]: String(process.pid) },
    });
    child.once('error', reject);
    child.once('exit', (status, signal) => reject(new Error(`it ended before it was ready: ${signal ?? status}`)));
    child.once('message', report => {
      child.removeAllListeners('exit');
      child.disconnect();
      child.unref();
      resolve(report as Report<T>);
    });
  });
}

/** Reports to the starter, which then exits. */
export function reportToStarter<T>(report: Report<T>): Promise<void> {
  return new Promise(resolve => {
    process.once('disconnect', () => resolve());
    process.send?.(report);
  });
}
