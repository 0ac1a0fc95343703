import { RunmakerError } from '../../errors.js';
import { State } from '../../job/state.js';

/** gitrunner's words. Its documentation also says `run` for done. Any other word holds the row: gitrunner leaves it alone too. */
const STATE_OF: Readonly<Record<string, State>> = {
  ready: State.new,
  running: State.running,
  done: State.done,
  run: State.done,
  failed: State.failed,
};
/** What is written. gitrunner knows one word for a job that failed and one that was interrupted. */
const WORD_OF: Readonly<Record<State, string>> = {
  [State.new]: 'ready',
  [State.running]: 'running',
  [State.done]: 'done',
  [State.failed]: 'failed',
  [State.error]: 'failed',
  [State.held]: 'held',
};

export function stateOfWord(word: string): State {
  return STATE_OF[word.trim()] ?? State.held;
}

/** @throws RunmakerError `usage` for a state that has no word */
export function wordOfState(state: State): string {
  const word = WORD_OF[state];
  if (word !== undefined) return word;
  throw new RunmakerError('usage', `a queue.csv has no word for the state ${JSON.stringify(state)}`, {
    hint: 'its states are . (ready), r (running), d (done), ! (failed) and - (held)',
  });
}
