import { isUtf8 } from 'node:buffer';
import { RunmakerError } from '../errors.js';

/** Linux takes no argument of 128 KiB or more, whatever the whole may be (MAX_ARG_STRLEN in <linux/binfmts.h>). */
const LONGEST_ARGUMENT = 128 * 1024 - 1;

/**
 * Refuses what no shell can be given: a NUL byte, or more bytes than the kernel passes on.
 *
 * @param length bytes of the argument that stands for the command
 * @throws RunmakerError `start`
 */
export function refuseUnpassable(command: Buffer, length: number): void {
  const nul = command.indexOf(0);
  if (nul >= 0) {
    throw new RunmakerError('start', `the command holds a NUL byte (byte ${nul + 1}), which no command line can carry`);
  }
  if (length > LONGEST_ARGUMENT) {
    throw new RunmakerError(
      'start',
      `the command is ${command.length} bytes long, more than the kernel passes to a shell (${LONGEST_ARGUMENT}): put it into a script file`,
    );
  }
}

/**
 * The command as an argument for `sh -c`, in text. Node hands arguments on as UTF-8 only, so a command with other bytes is
 * spelled for printf(1), of which every POSIX shell has its own, and evaluated by the shell itself.
 *
 * @throws RunmakerError `start` for what no shell can be given
 */
export function scriptFor(command: Buffer): string {
  const script = isUtf8(command) ? command.toString('utf8') : `eval "$(printf '${spell(command)}')"`;
  refuseUnpassable(command, Buffer.byteLength(script));
  return script;
}

/** Letters, digits and harmless signs as they are, all else in octal. */
function spell(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^A-Za-z0-9 _./,:;=+@-]/g, char => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
