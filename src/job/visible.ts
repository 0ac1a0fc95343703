import { isUtf8 } from 'node:buffer';

/** Characters that act on a terminal instead of being shown: C0 but for the tab, DEL, C1, and what reorders or breaks lines of text. */
const ACTING = '\\u0000-\\u0008\\u000a-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069';
const ACTING_TEXT = new RegExp(`[${ACTING}]`, 'g');
const ACTING_BUT_LINES = new RegExp(`(?!\\n)[${ACTING}]`, 'g');
/** What JSON.stringify leaves as it is. */
const ACTING_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A text of one line with control characters and bidi marks escaped: `\x1b`, `\u202e`. */
export function visible(text: string): string {
  return text.replace(ACTING_TEXT, escaped);
}

/** The same for a text of several lines. */
export function visibleLines(text: string): string {
  return text.replace(ACTING_BUT_LINES, escaped);
}

/** The same for bytes: where they are not UTF-8, each byte of the upper control characters (0x80 to 0x9f) is escaped, too. */
export function visibleBytes(bytes: Buffer): Buffer {
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  const text = bytes.toString(encoding);
  const shown = visible(text);
  return shown === text ? bytes : Buffer.from(shown, encoding);
}

/** JSON in which control characters and bidi marks are escaped as JSON does it: it may be read on a terminal as well. */
export function visibleJson(json: string): string {
  return json.replace(ACTING_IN_JSON, character => `\\u${hex(character, 4)}`);
}

function escaped(character: string): string {
  return character.charCodeAt(0) < 0x100 ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`;
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
