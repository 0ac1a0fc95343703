import { setTimeout } from 'node:timers/promises';
import { errnoName } from '../../errors.js';
import { livingMember } from '../../system/living-member.js';

/** Between two looks at what is left of a group, in ms: doubled from the first to the longest. */
const PAUSE = { first: 5, longest: 100 };

/**
 * The process group of a job, named by the id of the job's own process, its leader. Until the leader is reaped that id is given to
 * nobody else, and after that not while the group has a member. So signals are sent in the first case without a look, and in the
 * second only while look after look has found a member: ids are given out in turn, and all others would have to be given out
 * between two looks before this one could be a stranger's.
 */
export class ProcessGroup {
  private isOurs = true;
  private isReaped = false;
  private isAbandoned = false;
  private member: number | undefined;

  constructor(private readonly leader: number) {}

  /** The leader was reaped, but outputs are open: there may be members, for which it has to be looked from now on. */
  leaderReaped(): void {
    this.isReaped = true;
  }

  /** The leader was reaped, and nobody waits for outputs any more. */
  reaped(): void {
    this.isReaped = true;
    this.isOurs = false;
  }

  /** To be asked when the leader has just been reaped: settles when no member is left that can be reached, or at `abandon`. */
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

  /** That nobody is left is no error: what was to be ended has ended. Nor is it that none of them may be signalled: sudo's jobs are root's. */
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
