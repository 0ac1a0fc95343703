import { Chalk } from 'chalk';

/** What `--color` can be. */
export type ColourChoice = 'auto' | 'always' | 'never';

/**
 * Whether to print in colour. By default only on a terminal that supports it (`TERM` is not `dumb`), and not if the user asked all programs
 * for plain text (https://no-color.org: `NO_COLOR` is set and not empty).
 */
export function colourWanted(choice: ColourChoice, isTTY: boolean, environment: { NO_COLOR?: string; TERM?: string }): boolean {
  if (choice !== 'auto') return choice === 'always';
  return isTTY && !environment.NO_COLOR && environment.TERM !== 'dumb';
}

/** Escape sequences around a text. Both are empty when colours are off. */
export interface Style {
  readonly open: Buffer;
  readonly close: Buffer;
}

/** Styles of the parts of the console output. */
export interface Palette {
  readonly status: Style;
  readonly stderr: Style;
  /** The tag of the job in this slot, from 1. Colours repeat when there are more slots than colours. */
  tag(slot: number): Style;
}

const PLAIN: Style = { open: Buffer.alloc(0), close: Buffer.alloc(0) };

/** @param colour false: everything is plain */
export function palette(colour: boolean): Palette {
  if (!colour) return { status: PLAIN, stderr: PLAIN, tag: () => PLAIN };
  // The decision is already made: chalk must not inspect the terminal itself.
  const chalk = new Chalk({ level: 1 });
  // No red: it marks stderr.
  const tags = [
    chalk.cyan,
    chalk.green,
    chalk.magenta,
    chalk.yellow,
    chalk.blue,
    chalk.cyanBright,
    chalk.greenBright,
    chalk.magentaBright,
  ].map(style);
  return { status: style(chalk.dim), stderr: style(chalk.red), tag: slot => tags[(slot - 1) % tags.length]! };
}

function style(paint: (text: string) => string): Style {
  const [open = '', close = ''] = paint('|').split('|');
  return { open: Buffer.from(open), close: Buffer.from(close) };
}
