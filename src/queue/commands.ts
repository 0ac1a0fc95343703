import { RunmakerError } from '../errors.js';
import { LF } from '../job/line.js';
import { isSettableState, type State } from '../job/state.js';

const CARRIAGE_RETURN = 0x0d;

/** @throws RunmakerError `usage` when a command cannot be a line of a queue */
export function refuseUnwritable(command: Buffer): void {
  const shown = JSON.stringify(command.toString('utf8').slice(0, 60));
  if (command.includes(LF) || command.includes(CARRIAGE_RETURN)) {
    throw new RunmakerError('usage', `the command ${shown} holds a line end: a job is one line`, {
      hint: 'join the commands with ";" or "&&", or add them one by one',
    });
  }
  if (command.length === 0) {
    throw new RunmakerError('usage', 'an empty command is not a job');
  }
}

/** @throws RunmakerError `usage` when no line can be in this state */
export function refuseUnsettable(state: State): void {
  if (isSettableState(state)) return;
  throw new RunmakerError('usage', `${JSON.stringify(state)} is not a state`, {
    hint: 'a state is one printable character other than # and /: . new, d done, ! failed, e error, - held',
  });
}
