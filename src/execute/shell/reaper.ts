import type { Spawner } from '../../system/posix-spawn.js';
import type { Exit } from '../executor.js';

/** If a SIGCHLD is ever missed, the process is found this many ms later. Also keeps the event loop alive. */
const SAFETY_INTERVAL = 500;

/**
 * Collects the exits of spawned processes, each by its own id, so that Node's own children are left to Node. Checks a process only once its
 * outputs are closed: then it has ended, or is about to.
 */
export class Reaper {
  private readonly waiting = new Map<number, (exit: Exit) => void>();
  private safety: NodeJS.Timeout | undefined;
  private readonly onChild = (): void => this.look();

  constructor(private readonly spawner: Spawner) {}

  /** Settles when the process has ended. To be called once per process. */
  exitOf(pid: number): Promise<Exit> {
    const status = this.spawner.reap(pid);
    if (status !== undefined) return Promise.resolve(exitFrom(status));
    return new Promise(resolve => {
      if (this.waiting.size === 0) this.begin();
      this.waiting.set(pid, resolve);
      // It may have ended before the listener for SIGCHLD was added.
      this.look();
    });
  }

  private look(): void {
    for (const [pid, resolve] of this.waiting) {
      const status = this.spawner.reap(pid);
      if (status === undefined) continue;
      this.waiting.delete(pid);
      resolve(exitFrom(status));
    }
    if (this.waiting.size === 0) this.end();
  }

  private begin(): void {
    process.on('SIGCHLD', this.onChild);
    this.safety = setInterval(this.onChild, SAFETY_INTERVAL);
  }

  private end(): void {
    process.off('SIGCHLD', this.onChild);
    clearInterval(this.safety);
  }
}

/** The status of wait(2): a signal's number in the low 7 bits (0: it exited), the exit code in the next 8. */
function exitFrom(status: number): Exit {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: 'exited', code: (status >> 8) & 0xff } : { kind: 'signalled', signal };
}
