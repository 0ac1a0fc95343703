import { fixture, type Running, start } from './programs.js';

/** A classic fcntl lock that another process holds. */
export interface HeldLock {
  release(): Promise<void>;
}

/** Makes another process lock bytes of a file, to its end when there is no length. Returns when the lock is held. */
export async function lockElsewhere(
  path: string,
  kind: 'shared' | 'exclusive',
  range: { start: number; length: number } = { start: 0, length: 0 },
): Promise<HeldLock> {
  const holder: Running = start('python3', [fixture('hold-lock.py'), path, kind, String(range.start), String(range.length)]);
  await holder.says('held');
  return {
    async release() {
      holder.endInput();
      await holder.ended;
    },
  };
}
