import { closeSync, constants, createWriteStream, openSync } from 'node:fs';
import { reason } from '../../errors.js';
import { cannotOpen } from '../../report/output/write-failure.js';
import { type LogLevel, type ServerLog, textLog } from '../../server/log.js';
import { complain } from '../program/complain.js';

const APPENDING = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;

/** Options of a server's log. */
export interface LogOptions {
  readonly logfile?: string;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

/**
 * A server's log: a file to append to, otherwise standard error.
 * @throws RunmakerError when the file cannot be opened: a server does not start without the log that was asked for
 */
export function openLog({ logfile, verbose, quiet }: LogOptions): ServerLog {
  const level: LogLevel = quiet ? 'quiet' : verbose ? 'verbose' : 'normal';
  if (logfile === undefined) {
    // Clients are served whether or not the log is read.
    process.stderr.on('error', () => undefined);
    return textLog(level, line => process.stderr.write(line));
  }
  const stream = createWriteStream(logfile, { fd: openToAppend(logfile) });
  stream.once('error', error => complain(`runmaker-server: ${logfile}: ${reason(error)}; what happens is not written down`));
  return textLog(level, line => void (stream.destroyed || stream.write(line)));
}

function openToAppend(logfile: string): number {
  try {
    // Opening a pipe without a reader would block silently; with O_NONBLOCK it fails.
    const asked = openSync(logfile, APPENDING | constants.O_NONBLOCK);
    try {
      return openSync(logfile, APPENDING);
    } finally {
      closeSync(asked);
    }
  } catch (error) {
    throw cannotOpen(logfile, error);
  }
}
