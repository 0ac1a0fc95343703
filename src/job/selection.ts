import { isUtf8 } from 'node:buffer';
import { RunmakerError } from '../errors.js';
import { commandDigest } from './command-digest.js';
import type { Job } from './job.js';
import { isWithin, mergedRanges, type Range } from './line-ranges.js';
import { type State, statesNamed } from './state.js';

/** Which jobs are chosen: those that meet all given criteria. Plain data, so that it can cross a network. */
export interface Selection {
  /** Line numbers: a job is chosen when any of these ranges, or any of `offsets`, names it. */
  readonly lines?: readonly Range[] | undefined;
  /** Byte offsets of lines: the older program's job ids. */
  readonly offsets?: readonly number[] | undefined;
  /** A job is chosen when its state is one of these characters. */
  readonly states?: readonly State[] | undefined;
  /** Source of a regular expression that the command must match. */
  readonly match?: string | undefined;
  /** A job is chosen when its command is one of these, each named by `commandDigest`. */
  readonly commands?: readonly string[] | undefined;
}

/** The user's choice of jobs, as on the command line. */
export interface Choices {
  /** Line numbers, ranges and byte offsets, each as `parseJobChoice` reads them. */
  readonly jobs?: readonly string[] | undefined;
  readonly all?: boolean | undefined;
  /** Characters, such as `!e`, or words, as `statesNamed` reads them. */
  readonly state?: string | undefined;
  /** A regular expression. */
  readonly match?: string | undefined;
}

/**
 * Reads line numbers and byte offsets: `3`, `3-10`, `-5` (up to 5), `20-`, `@160`, and lists of these such as `3,7-9`.
 *
 * @throws RunmakerError `usage`, quoting the part that is wrong: not a number, line 0, a range that runs backwards
 */
export function parseJobChoice(text: string): { lines: Range[]; offsets: number[] } {
  const lines: Range[] = [];
  const offsets: number[] = [];
  for (const part of text.split(',')) {
    const [, line, from, to, offset] = /^(?:(\d+)|(?=.*\d)(\d*)-(\d*)|@(\d+))$/.exec(part) ?? [];
    if (offset !== undefined) offsets.push(wholeNumber(offset, part));
    else if (line !== undefined) lines.push(rangeOf(line, line, part));
    else if (from !== undefined && to !== undefined) lines.push(rangeOf(from, to, part));
    else throw notAChoice(part);
  }
  return { lines, offsets };
}

/** A range from its two ends; an empty text is an open end. */
function rangeOf(fromText: string, toText: string, part: string): Range {
  const from = fromText === '' ? undefined : wholeNumber(fromText, part);
  const to = toText === '' ? undefined : wholeNumber(toText, part);
  if (from === 0 || to === 0) throw new RunmakerError('usage', `${JSON.stringify(part)}: lines are counted from 1`);
  if (from !== undefined && to !== undefined && from > to) {
    throw new RunmakerError('usage', `${JSON.stringify(part)} runs backwards`, { hint: `write ${to}-${from}` });
  }
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function wholeNumber(digits: string, part: string): number {
  const number = Number(digits);
  if (!Number.isSafeInteger(number)) throw notAChoice(part);
  return number;
}

function notAChoice(part: string): RunmakerError {
  return new RunmakerError('usage', `${JSON.stringify(part)} does not name jobs`, {
    hint: 'write line numbers (3, 3-10, -5, 20-) or byte offsets (@160), with commas between them',
  });
}

function mustBeStates(text: string): State[] {
  const states = text === ',' ? [text] : statesNamed(text);
  if (states !== undefined && states.length > 0) return states;
  throw new RunmakerError('usage', `--state ${JSON.stringify(text)} names no state`, {
    hint: "give words with commas between them (new, claimed, running, done, failed, error, held), or characters, such as '!e'; letters that hold jobs are told apart by commas: x,y",
  });
}

/**
 * Turns the user's choices into a selection.
 *
 * @throws RunmakerError `usage` when nothing is chosen, when `all` contradicts `jobs`, and when a choice cannot be read
 */
export function selectionOf({ jobs = [], all = false, state, match }: Choices): Selection {
  if (all && jobs.length > 0) {
    throw new RunmakerError('usage', `--all contradicts ${JSON.stringify(jobs.join(' '))}`, {
      hint: 'give --all or job numbers, not both',
    });
  }
  if (!all && jobs.length === 0 && state === undefined && match === undefined) {
    throw new RunmakerError('usage', 'no jobs are chosen', { hint: "give line numbers, --all, --state '!e' or --match REGEX" });
  }
  // Most likely an unset variable in a script, which must not end up choosing every job.
  if (state === '') mustBeStates(state);
  if (match === '') throw new RunmakerError('usage', '--match "" says nothing', { hint: 'give --all to choose every job' });
  if (match !== undefined) compile(match);
  const named = jobs.map(parseJobChoice);
  const lines = named.flatMap(choice => choice.lines);
  const offsets = named.flatMap(choice => choice.offsets);
  return {
    ...(lines.length > 0 && { lines }),
    ...(offsets.length > 0 && { offsets }),
    ...(state !== undefined && { states: mustBeStates(state) }),
    ...(match !== undefined && { match }),
  };
}

/**
 * The selection as a question about one job. The regular expression looks at the whole command, directives included, read as UTF-8,
 * or as Latin-1 when it is not valid UTF-8.
 *
 * @throws RunmakerError `usage` when the regular expression cannot be read
 */
export function jobMatcher(selection: Selection): (job: Job) => boolean {
  const { lines, offsets, states, match, commands } = selection;
  const ranges = mergedRanges(lines ?? []);
  const starts = new Set(offsets);
  const wanted = states && new Set(states);
  const pattern = match === undefined ? undefined : compile(match);
  const prints = commands && new Set(commands);

  const isNamed = ({ number, offset }: Job): boolean =>
    (lines === undefined && offsets === undefined) ||
    (number !== undefined && isWithin(ranges, number)) ||
    (offset !== undefined && starts.has(offset));

  const says = ({ command }: Job): boolean => (pattern?.test(textOf(command)) ?? true) && (prints?.has(commandDigest(command)) ?? true);

  return job => isNamed(job) && (wanted?.has(job.state) ?? true) && says(job);
}

function textOf(command: Buffer): string {
  return command.toString(isUtf8(command) ? 'utf8' : 'latin1');
}

function compile(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (cause) {
    throw new RunmakerError('usage', `${JSON.stringify(source)} is not a regular expression`, {
      hint: 'regular expressions are those of JavaScript; put a backslash before ( ) [ ] { } * + ? . | that mean themselves',
      cause,
    });
  }
}
