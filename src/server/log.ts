/** What a server does, in lines for people. */
export interface ServerLog {
  /** Something is wrong. */
  warn(text: string): void;
  /** Clients come and go. */
  info(text: string): void;
  /** Each claim and each result; `text` is called only if it is written. */
  detail(text: () => string): void;
}

/** How much is written. */
export type LogLevel = 'quiet' | 'normal' | 'verbose';

/** A command of megabytes tells no more than its beginning. */
const LONGEST = 500;

/** A log that writes each line with the time (ISO 8601, UTC) before it. Text that comes from peers cannot begin a line of its own. */
export function textLog(level: LogLevel, write: (line: string) => void, now: () => Date = () => new Date()): ServerLog {
  const print = (text: string): void => write(`${now().toISOString()} ${printable(text)}\n`);
  return {
    warn: print,
    info: text => {
      if (level !== 'quiet') print(text);
    },
    detail: text => {
      if (level === 'verbose') print(text());
    },
  };
}

function printable(text: string): string {
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a log, or a terminal
  return shown.replace(/[\x00-\x1f\x7f-\x9f]/g, byte => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
