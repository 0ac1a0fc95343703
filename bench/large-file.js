import { closeSync, openSync, writeSync } from 'node:fs';

const lineOf = number => `d python train.py --seed ${number}\n`;
const AT_ONCE = 100_000;

/**
 * Writes a runs file in which all jobs are done but the last one, which is new and runs `command`.
 * @returns the byte offset of the last line
 */
export function fill(runs, lines, command) {
  const fd = openSync(runs, 'w');
  let written = 0;
  for (let number = 1; number < lines; ) {
    let text = '';
    for (const end = Math.min(lines, number + AT_ONCE); number < end; number++) text += lineOf(number);
    written += writeSync(fd, text);
  }
  writeSync(fd, `. ${command}\n`);
  closeSync(fd);
  return written;
}
