import { RunmakerError } from '../../errors.js';
import { parseDuration } from '../../job/duration.js';
import { parseSize } from '../../job/size.js';
import { LOCK_DRIVERS, type LockDriverName } from '../../queue/queue.js';

/** Readers of option values: each names the option and quotes an invalid value. */

export function wholeNumber(option: string, least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const wanted = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  return text => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most)) {
      throw new RunmakerError('usage', `${option} ${JSON.stringify(text)}: a whole number ${wanted} is wanted`);
    }
    return number;
  };
}

export function amount(option: string): (text: string) => number {
  return text => {
    const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(number)) throw new RunmakerError('usage', `${option} ${JSON.stringify(text)}: a number is wanted`);
    return number;
  };
}

export function duration(option: string): (text: string) => number {
  return text => named(option, () => parseDuration(text));
}

export function durationAbove0(option: string): (text: string) => number {
  return text => {
    const milliseconds = duration(option)(text);
    if (milliseconds === 0) throw new RunmakerError('usage', `${option} ${JSON.stringify(text)}: a duration above 0 is wanted`);
    return milliseconds;
  };
}

export function size(option: string): (text: string) => number {
  return text => named(option, () => parseSize(text));
}

export function niceness(text: string): number {
  const number = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= -20 && number <= 19))
    throw new RunmakerError('usage', `--nice ${JSON.stringify(text)}: a number from -20 to 19 is wanted`);
  return number;
}

export function oneOf<T extends string>(option: string, choices: readonly T[]): (text: string) => T {
  return text => {
    const choice = choices.find(known => known === text);
    if (choice === undefined) throw new RunmakerError('usage', `${option} ${JSON.stringify(text)}: one of ${choices.join(', ')} is wanted`);
    return choice;
  };
}

export const lockDriver: (text: string) => LockDriverName = oneOf('--locks', LOCK_DRIVERS);

function named<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RunmakerError)) throw error;
    throw new RunmakerError(error.code, `${option} ${error.message}`, {
      ...(error.hint !== undefined && { hint: error.hint }),
      cause: error,
    });
  }
}
