import { spawn } from 'node:child_process';

/** Tells the copy of a program that it is to serve, and by whom it was started. */
const MARK = 'RUNMAKER_DETACHED_FROM';

/** What a detached program has to say before its starter leaves. */
export type Report<T> = { readonly kind: 'ready'; readonly value: T } | { readonly kind: 'failed'; readonly error: T };

/** Whether this process is the copy that `startDetached` has started. To be asked once: what it starts itself is no such copy. */
export function isDetached(): boolean {
  const isMarked = process.env[MARK] === String(process.ppid) && process.send !== undefined;
  delete process.env[MARK];
  return isMarked;
}

/**
 * Starts this program once more with the same arguments: in a session of its own, with nothing on its standard streams. Settles
 * with what the copy reports.
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

/** Tells the starter, which then leaves. */
export function reportToStarter<T>(report: Report<T>): Promise<void> {
  return new Promise(resolve => {
    process.once('disconnect', () => resolve());
    process.send?.(report);
  });
}
