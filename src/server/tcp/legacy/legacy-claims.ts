import { asLine } from '../../../job/job.js';
import type { Claim } from '../../../queue/queue.js';
import type { ClaimRecovery } from '../sessions/claim-recovery.js';

/** Jobs that cannot have their own number are numbered from here. No file has so many, and older clients may keep it in 32 bits. */
const FIRST_SPARE = 1_000_000_000;

/** The claims of clients of runmaker4, by the numbers under which the jobs were given out. */
export class LegacyClaims {
  private readonly claimed = new Map<number, Claim>();
  /** Numbers of jobs that are on their way to a client. */
  private readonly offered = new Set<number>();
  private nextSpare = FIRST_SPARE;

  /** @param recovery holds the claims of clients that knew an earlier server */
  constructor(private readonly recovery: Pick<ClaimRecovery, 'takeOrdinal' | 'hasOrdinal'>) {}

  get size(): number {
    return this.claimed.size;
  }

  /**
   * Finds a number for a job that is about to be offered: its own, unless an edit has moved lines, and another job was given out under it.
   * Clients only hand the number back, so that any other serves as well.
   */
  offer({ job }: Claim): number {
    const { ordinal } = asLine(job);
    const isTaken = this.claimed.has(ordinal) || this.offered.has(ordinal) || this.recovery.hasOrdinal(ordinal);
    const number = isTaken ? this.nextSpare++ : ordinal;
    this.offered.add(number);
    return number;
  }

  /** The client did not take the job. */
  withdraw(number: number): void {
    this.offered.delete(number);
  }

  /** The client has the job. */
  keep(number: number, claim: Claim): void {
    this.offered.delete(number);
    this.claimed.set(number, claim);
  }

  take(number: number): Claim | undefined {
    const claim = this.claimed.get(number) ?? this.recovery.takeOrdinal(number);
    this.claimed.delete(number);
    return claim;
  }
}
