import { setTimeout } from 'node:timers/promises';
import { errnoName } from '../../errors.js';
import { livingMember } from '../../system/living-member.js';

/** Between two checks for remaining members, in ms: doubled from the first to the longest. */
const PAUSE = { first: 5, longest: 100 };

/**
 * A job's process group, named by the id of its leader, the job's own process. The kernel does not reuse that id before the leader is
 * reaped, nor afterwards while the group has a member. So signals are sent without a check in the first case, and in the second only while
 * check after check has found a member: ids are reused in turn, and all others would have to be used between two checks before this one
 * could be a stranger's.
 */
export class ProcessGroup {
  private isOurs = true;
  private isReaped = false;
  private isAbandoned = false;
  private member: number | undefined;

  constructor(private readonly leader: number) {}

  /** The leader was reaped, but outputs are open: there may be members, so each signal now needs checks. */
  leaderReaped(): void {
    this.isReaped = true;
  }

  /** The leader was reaped, and no caller waits for outputs any more. */
  reaped(): void {
    this.isReaped = true;
    this.isOurs = false;
  }

  /** Called when the leader has just been reaped: settles when no reachable member is left, or at `abandon`. */
  async emptied(): Promise<void> {
    for (let pause = PAUSE.first; !this.isAbandoned && this.look(); pause = Math.min(2 * pause, PAUSE.longest)) {
      this.isOurs = true;
      await setTimeout(pause);
    }
    this.isOurs = false;
  }

  abandon(): void {
    this.isAbandoned = true;
  }

  /** An empty group is no error: what was to end has ended. Nor are members that must not be signalled: sudo's jobs are root's. */
  kill(signal: NodeJS.Signals): void {
    if (!this.isOurs || (this.isReaped && !this.look())) return;
    try {
      process.kill(-this.leader, signal);
    } catch (error) {
      if (errnoName(error) !== 'ESRCH' && errnoName(error) !== 'EPERM') throw error;
    }
  }

  private look(): boolean {
    this.member = livingMember(this.leader, this.member);
    if (this.member === undefined) this.isOurs = false;
    return this.member !== undefined;
  }
}
