import { isUtf8 } from 'node:buffer';
import { RunmakerError } from '../errors.js';

/** Linux accepts no argument of 128 KiB or more, whatever the total (MAX_ARG_STRLEN in <linux/binfmts.h>). */
const LONGEST_ARGUMENT = 128 * 1024 - 1;

/**
 * Refuses what cannot be passed to a shell: a NUL byte, or more bytes than the kernel accepts.
 *
 * @param length bytes of the argument that holds the command
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
 * The command as an argument for `sh -c`, as text. Node passes arguments only as UTF-8, so a command with other bytes is encoded for
 * printf(1), which is built into every POSIX shell, and evaluated by the shell itself.
 *
 * @throws RunmakerError `start` for what cannot be passed to a shell
 */
export function scriptFor(command: Buffer): string {
  const script = isUtf8(command) ? command.toString('utf8') : `eval "$(printf '${spell(command)}')"`;
  refuseUnpassable(command, Buffer.byteLength(script));
  return script;
}

/** Letters, digits and harmless characters unchanged, all others in octal. */
function spell(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^A-Za-z0-9 _./,:;=+@-]/g, char => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
