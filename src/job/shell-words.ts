import { RunmakerError } from '../errors.js';

const SAFE = /^[\w@%+=:,./-]+$/;

/** A word in a shell's syntax: quoted only if necessary. */
export function quoteWord(word: string): string {
  return SAFE.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** Blanks, a quoted part, an escaped character, plain characters, or syntax that only a shell can interpret. */
const PART = /([ \t]+)|'([^']*)'|"((?:[^"\\$`]|\\[\s\S])*)"|\\([\s\S])|([^ \t'"\\$`|&;<>()*?[\]{}~#!\n]+|(?<=[^ \t])[#~!{}])|([\s\S])/gy;

/**
 * The words of a simple command, with the quotes taken off, as a shell reads them.
 * @param where they stand, for the message
 * @throws RunmakerError `usage` for what is more than words: pipes, variables, patterns, an open quote
 */
export function splitWords(command: string, where = 'in this queue'): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [, blank, single, double, escaped, plain, other] of command.matchAll(PART)) {
    if (other !== undefined) {
      throw new RunmakerError('usage', `${JSON.stringify(command)}: only plain words can stand ${where}, not ${other}`, {
        hint: 'put quotes around what is meant as it stands, or use a runs.txt, whose lines are shell commands',
      });
    }
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + (single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain);
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
