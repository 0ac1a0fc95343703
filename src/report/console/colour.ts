import { Chalk } from 'chalk';

/** What `--color` can be. */
export type ColourChoice = 'auto' | 'always' | 'never';

/**
 * Whether to print in colour. On its own account a program does so only on a terminal that can (`TERM` is not `dumb`),
 * and not where the user asked all programs for plain text (https://no-color.org: `NO_COLOR` is set and not empty).
 */
export function colourWanted(choice: ColourChoice, isTTY: boolean, environment: { NO_COLOR?: string; TERM?: string }): boolean {
  if (choice !== 'auto') return choice === 'always';
  return isTTY && !environment.NO_COLOR && environment.TERM !== 'dumb';
}

/** Escape sequences around a text. Both are empty where colours are not wanted. */
export interface Style {
  readonly open: Buffer;
  readonly close: Buffer;
}

/** How the parts of the console's output look. */
export interface Palette {
  readonly status: Style;
  readonly stderr: Style;
  /** The tag of the job in this slot, from 1: the colours come round again. */
  tag(slot: number): Style;
}

const PLAIN: Style = { open: Buffer.alloc(0), close: Buffer.alloc(0) };

/** @param colour false: everything is plain */
export function palette(colour: boolean): Palette {
  if (!colour) return { status: PLAIN, stderr: PLAIN, tag: () => PLAIN };
  // Whether colours are wanted is decided already: chalk must not look at the terminal by itself.
  const chalk = new Chalk({ level: 1 });
  // Without red, which says stderr.
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
