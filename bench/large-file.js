import { closeSync, openSync, writeSync } from 'node:fs';

const AT_ONCE = 100_000;

/**
 * Writes a runs file of a given number of lines.
 * @param lineOf line number → text of the line, without its line end
 * @returns the byte offset of the last line
 */
export function fill(runs, lines, lineOf = number => `d python train.py --seed ${number}`) {
  const fd = openSync(runs, 'w');
  let written = 0;
  let last = 0;
  for (let number = 1; number <= lines; ) {
    let text = '';
    for (const end = Math.min(lines + 1, number + AT_ONCE); number < end; number++) {
      const line = `${lineOf(number)}\n`;
      last = written + text.length;
      text += line;
    }
    written += writeSync(fd, text);
  }
  closeSync(fd);
  return last;
}
