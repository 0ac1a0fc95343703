/** The directives follow the last of these in a command. To a shell it starts a comment. */
export const DIRECTIVE_MARK = ' #: ';

/** What every command with directives holds, and every command with a mark that lacks its last blank. */
export const DIRECTIVE_SIGN = ' #:';

const [BACKSLASH, SINGLE, DOUBLE, HASH, SPACE, TAB] = [0x5c, 0x27, 0x22, 0x23, 0x20, 0x09];

/** Whether a command may have directives: a quick look, for the many that have none. */
export function mayHaveDirectives(command: Buffer): boolean {
  return command.includes(DIRECTIVE_SIGN);
}

/** Where the mark of a command's directives begins; -1 if there is none. In a shell's quotes it is text, not a mark. */
export function directiveMark(command: Buffer): number {
  const at = command.lastIndexOf(DIRECTIVE_MARK);
  return at === -1 || isQuoted(command, at) ? -1 : at;
}

/** Where something begins that was most likely meant to be directives: the sign, and behind it a word with `=`, without a blank between. */
export function mistypedMark(command: Buffer): number {
  const at = command.lastIndexOf(DIRECTIVE_SIGN);
  if (at === -1 || !/^ #:[a-z]+=/.test(command.toString('latin1', at, at + 24)) || isQuoted(command, at)) return -1;
  return at + 1;
}

/** What stands before the directives of a command. */
export function withoutDirectives(command: Buffer): Buffer {
  const mark = directiveMark(command);
  return mark === -1 ? command : command.subarray(0, mark);
}

/** Whether a shell is inside quotes at this place. Quotes behind the `#` of a comment mean nothing. */
function isQuoted(command: Buffer, place: number): boolean {
  if (!hasQuote(command, SINGLE, place) && !hasQuote(command, DOUBLE, place)) return false;
  let quote = 0;
  for (let at = 0; at < place; at++) {
    const byte = command[at] as number;
    if (byte === BACKSLASH && quote !== SINGLE) at++;
    else if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === SINGLE || byte === DOUBLE) quote = byte;
    else if (byte === HASH && (at === 0 || command[at - 1] === SPACE || command[at - 1] === TAB)) return false;
  }
  return quote !== 0;
}

function hasQuote(command: Buffer, quote: number, before: number): boolean {
  const at = command.indexOf(quote);
  return at >= 0 && at < before;
}
