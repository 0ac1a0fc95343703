/**
 * The states of a job: the first character of its line.
 * Any other character means that the job is held: no runner takes it.
 */
export const State = {
  new: '.',
  /** Claimed but not started; only older runners write it. */
  claimed: '?',
  running: 'r',
  done: 'd',
  /** Ended with an exit status other than 0, or killed by a signal. */
  failed: '!',
  /** Ended with an exit status other than 0, or killed by a signal. */
  error: 'e',
  /** Written by `runset --add --hold`; any other character not in this list holds a job as well. */
  held: '-',
} as const;

/** One character. */
export type State = string;

/** The states in which a job can end. */
export type FinalState = typeof State.done | typeof State.failed | typeof State.error;

/** Whether the state says that a runner has the job now. */
export function isInHand(state: State): boolean {
  return state === State.running || state === State.claimed;
}

/** The state of a job that was claimed in state `before` and is given back without a run: as if it had never been claimed. */
export function stateUnrun(before: State): FinalState | typeof State.new {
  return before === State.failed || before === State.error ? before : State.new;
}

/** How many jobs are in which state. */
export interface Counts {
  readonly new: number;
  readonly claimed: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly error: number;
  readonly held: number;
  /** All jobs: the sum of the above. */
  readonly total: number;
  /** Those of the new ones that can never run, because what they wait for failed, is held, or is impossible. */
  readonly blocked: number;
}

/** Jobs that were run, successfully or not: nothing waits for their end any more. */
export function processed(counts: Counts): number {
  return counts.done + counts.failed + counts.error;
}

/** Whether `state` is one that a line may be set to: a single printable ASCII character that does not make the line a comment. */
export function isSettableState(state: string): boolean {
  return /^[!-~]$/.test(state) && state !== '#' && state !== '/';
}

/** The words for states; `ready`, `running`, `done` and `failed` are those of gitrunner's queue.csv. */
const WORDS: ReadonlyMap<string, State> = new Map([
  ['new', State.new],
  ['ready', State.new],
  ['claimed', State.claimed],
  ['running', State.running],
  ['done', State.done],
  ['failed', State.failed],
  ['error', State.error],
  ['held', State.held],
]);

/** All characters that hold a job: bytes that begin a line which is a job, and are none of the other states. */
const HOLDING: readonly State[] = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).filter(
  state => !'\n#/'.includes(state) && (state === State.held || !(Object.values(State) as State[]).includes(state)),
);

/** More than one letter that is no state: most likely a word, misspelt. */
const WORD = /[a-z]{2,}/gi;
const LETTERS_OF_STATES = /^[rde]+$/;

/** The state that a text names: a word, or the state itself. Undefined when it can be neither. */
export function stateNamed(text: string): State | undefined {
  return WORDS.get(text.toLowerCase()) ?? (text.length === 1 ? text : undefined);
}

/**
 * The states that a text names, each once: words with commas between them (`ready`, `failed,error`), else each character is one
 * (`!e`). Undefined when it holds a word that is none.
 */
export function statesNamed(text: string): State[] | undefined {
  const states = text.split(',').flatMap((part): readonly (State | undefined)[] => {
    const state = WORDS.get(part.toLowerCase());
    if (state === State.held) return HOLDING;
    if (state !== undefined) return [state];
    return part.match(WORD)?.some(word => !LETTERS_OF_STATES.test(word)) ? [undefined] : [...part];
  });
  return states.includes(undefined) ? undefined : [...new Set(states as State[])];
}
