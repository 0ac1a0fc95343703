import { RunmakerError } from '../../errors.js';

/** How to halt: `soon` claims no more jobs, `now` also kills running ones. */
export type HaltManner = 'soon' | 'now';

/** When a runner stops before its queue is exhausted. */
export type HaltRule =
  | { readonly kind: 'never' }
  /** After this many failed jobs. */
  | { readonly kind: 'failures'; readonly manner: HaltManner; readonly count: number }
  /** Once at least this percentage of the ended jobs failed. */
  | { readonly kind: 'failureShare'; readonly manner: HaltManner; readonly percent: number }
  /** After this many successful jobs. */
  | { readonly kind: 'successes'; readonly manner: HaltManner; readonly count: number };

/** How one runner's jobs have ended so far. */
export interface Tally {
  readonly succeeded: number;
  readonly failed: number;
}

/** With fewer jobs a percentage means nothing: the first to fail would be 100 %. */
const ENOUGH_FOR_A_SHARE = 3;

const RULE = /^(soon|now)(?:,(fail|success)=(\d+)|,fail=(\d+(?:\.\d+)?)%)?$/;

/**
 * Reads the value of `--halt`: `never`, or `soon` or `now` followed by `,fail=N`, `,fail=P%` or `,success=N`;
 * alone they mean `,fail=1`.
 *
 * @throws RunmakerError `usage`, quoting the text, for anything else, counts of 0, and percentages of 0 or over 100
 */
export function parseHalt(text: string): HaltRule {
  if (text === 'never') return { kind: 'never' };
  const [, manner, subject = 'fail', digits = '1', share] = RULE.exec(text) ?? [];
  if (manner !== 'soon' && manner !== 'now') throw notAHaltRule(text);
  if (share !== undefined) {
    const percent = Number(share);
    if (percent === 0 || percent > 100) throw notAHaltRule(text);
    return { kind: 'failureShare', manner, percent };
  }
  const count = Number(digits);
  if (count === 0 || !Number.isSafeInteger(count)) throw notAHaltRule(text);
  return { kind: subject === 'fail' ? 'failures' : 'successes', manner, count };
}

function notAHaltRule(text: string): RunmakerError {
  return new RunmakerError('usage', `${JSON.stringify(text)} does not say when to halt`, {
    hint: 'write never, soon or now; after soon or now may follow ,fail=3 or ,fail=10% or ,success=1',
  });
}

/** Whether to halt. The caller decides whether to count jobs that ended neither way (interrupted, not started). */
export function shouldHalt(rule: HaltRule, tally: Tally): boolean {
  switch (rule.kind) {
    case 'never':
      return false;
    case 'failures':
      return tally.failed >= rule.count;
    case 'successes':
      return tally.succeeded >= rule.count;
    case 'failureShare': {
      const ended = tally.succeeded + tally.failed;
      return ended >= ENOUGH_FOR_A_SHARE && tally.failed * 100 >= rule.percent * ended;
    }
  }
}
