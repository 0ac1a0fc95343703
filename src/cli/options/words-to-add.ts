import { RunmakerError } from '../../errors.js';

/** A command line of runset, and how many of its words go to `--add` unchanged, whatever they begin with. */
export interface WordsToAdd {
  readonly argv: readonly string[];
  readonly asTheyAre: number;
}

/**
 * `--add` takes all words that follow it, and no word after `--` is an option: these are commands too, and the queue's name if it comes
 * last. commander would take `--` itself for the first command; it gets each word as an `--add` of its own instead.
 */
export function wordsBehindDashes(argv: readonly string[]): WordsToAdd {
  const dashes = argv.indexOf('--');
  const add = argv.slice(0, Math.max(dashes, 0)).lastIndexOf('--add');
  const behind = argv.slice(dashes + 1);
  const commands = argv.slice(add + 1, dashes);
  if (add < 0 || behind.length === 0 || commands.some(isLikeOption)) return { argv, asTheyAre: 0 };
  const before = argv.slice(0, commands.length === 0 ? add : dashes);
  return { argv: [...before, ...behind.map(word => `--add=${word}`)], asTheyAre: behind.length };
}

/**
 * The words after --add are commands, up to the queue's name. Hardly any command begins with a dash: such a word was meant as an option.
 */
export function refuseOptionsAsCommands(commands: readonly string[]): void {
  const option = commands.find(isLikeOption);
  if (option === undefined) return;
  throw new RunmakerError('usage', `${option} behind --add would be taken for a command`, {
    hint: "put options before --add, and a command in quotes: runset --hold --add 'python a.py --seed 1' runs.txt",
  });
}

function isLikeOption(word: string): boolean {
  return word.startsWith('-');
}
