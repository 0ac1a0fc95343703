import type { Command } from 'commander';
import { EXECUTOR_KINDS } from '../../execute/kinds.js';
import type { ExecuteOption, ExecuteOptions } from '../../execute/options.js';
import { amount, durationAbove0, niceness, wholeNumber } from './values.js';

/** How to read each kind of value from the command line, for a flag; undefined: unchanged. */
const READERS: Record<ExecuteOption['value'], ((flag: string) => (text: string) => unknown) | undefined> = {
  flag: undefined,
  text: undefined,
  niceness: () => niceness,
  duration: durationAbove0,
  count: flag => wholeNumber(flag, 1),
  amount,
};

/** Adds the options of all kinds of executors to a program. */
export function withExecution(program: Command): Command {
  for (const { options } of EXECUTOR_KINDS) {
    for (const { flags, help, value } of Object.values(options)) {
      const read = READERS[value]?.(flags.replace(/ .*/, ''));
      if (read) program.option(flags, help, read);
      else program.option(flags, help);
    }
  }
  return program;
}

/** What `openExecutor` needs, from the command line. @param given by commander's names for the flags */
export function executeOptions(given: Readonly<Record<string, unknown>>): ExecuteOptions {
  const found = EXECUTOR_KINDS.flatMap(({ options }) => Object.entries(options)).map(([name, { flags }]) => [name, given[keyOf(flags)]]);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined)) as ExecuteOptions;
}

/** `--kill-after <duration>` is `killAfter` to commander. */
function keyOf(flags: string): string {
  const [, flag = ''] = /--([a-z-]+)/.exec(flags) ?? [];
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
