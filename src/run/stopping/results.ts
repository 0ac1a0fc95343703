import { State } from '../../job/state.js';
import type { RunSummary } from '../events.js';
import { type HaltManner, type HaltRule, shouldHalt } from './halt.js';

/** When a runner stops before the queue is empty. */
export interface StopRules {
  readonly halt?: HaltRule | undefined;
  /** After one successful job. */
  readonly oneOnly?: boolean | undefined;
}

const NEVER: HaltRule = { kind: 'never' };

/** How one runner's jobs ended, and whether that stops it. */
export class Results {
  private readonly counts = { succeeded: 0, failed: 0, errors: 0, refused: 0, unusable: 0, blocked: 0 };
  private readonly halt: HaltRule;
  private readonly oneOnly: boolean;

  constructor({ halt = NEVER, oneOnly = false }: StopRules) {
    this.halt = halt;
    this.oneOnly = oneOnly;
  }

  /** Whether any result may rule out further claims. */
  get mayStop(): boolean {
    return this.oneOnly || this.halt.kind !== 'never';
  }

  /** Whether enough jobs have failed or succeeded to halt the run. */
  get isHalted(): boolean {
    const { succeeded, failed, errors } = this.counts;
    return this.halt.kind !== 'never' && shouldHalt(this.halt, { succeeded, failed: failed + errors });
  }

  get summary(): RunSummary {
    return this.counts;
  }

  /** Counts a job by its final state. Returns how to stop, if it is time to. */
  add(state: string): HaltManner | undefined {
    const { counts, halt } = this;
    if (state === State.done) counts.succeeded++;
    else if (state === State.failed) counts.failed++;
    else counts.errors++;
    if (halt.kind !== 'never' && this.isHalted) return halt.manner;
    return this.oneOnly && counts.succeeded > 0 ? 'soon' : undefined;
  }

  /** Counts a job whose result could not be written. */
  addRefused(): void {
    this.counts.refused++;
  }

  /** Counts a job left alone because of what its line says. */
  addUnusable(): void {
    this.counts.unusable++;
  }

  /** Counts the remaining jobs that can never run; the summary lists those blocked by their own lines separately. */
  leave(blocked: number): void {
    this.counts.blocked = Math.max(0, blocked - this.counts.unusable);
  }
}
