import { RunmakerError } from '../../errors.js';
import { quoteWord, splitWords } from '../../job/shell-words.js';
import { pythonNumber } from './python-number.js';

/** A row of a queue.csv: a Python script, and what it is called with. */
export interface PythonRow {
  readonly script: string;
  /** A JSON array. */
  readonly args: string;
  /** A JSON object. */
  readonly kwargs: string;
}

/** Marks a number that was taken out of a JSON text as it stands: JavaScript's own numbers would lose digits. */
const NUMBER = '\u0000';
const JSON_TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * The command that a row stands for: `python <script>.py <args…> --key=value…`, each word quoted for a shell. Values are written
 * as Python's str() writes them (`True`, `None`, `['a', 1]`), because that is what the scripts' side expects.
 *
 * @returns a problem, in words, when args or kwargs are not what they should be
 */
export function commandOfRow({
  script,
  args,
  kwargs,
}: PythonRow): { command: string } | { problem: string; column: 'args' | 'kwargs' | 'script' } {
  if (script.trim() === '') return { problem: 'script is empty', column: 'script' };
  const values = parseJson(args === '' ? '[]' : args);
  if (!Array.isArray(values)) return { problem: `args is not a JSON array: ${args}`, column: 'args' };
  const named = parseJson(kwargs === '' ? '{}' : kwargs);
  if (typeof named !== 'object' || named === null || Array.isArray(named)) {
    return { problem: `kwargs is not a JSON object: ${kwargs}`, column: 'kwargs' };
  }
  const words = [
    'python',
    script.endsWith('.py') ? script : `${script}.py`,
    ...values.map(pythonText),
    ...Object.entries(named).map(([key, value]) => `--${key}=${pythonText(value)}`),
  ];
  return { command: words.map(quoteWord).join(' ') };
}

/**
 * The row for a command such as `dummy.py 1 --cheese="on,toast"`, with `python` before it or not, as gitrunner's own `add` writes it: the
 * script without `.py`, and all values as strings, since a number in args kills its worker. `--cheese on` is `--cheese=on`; an option
 * without a value is an argument.
 * @throws RunmakerError `usage` when that is no call of a Python script
 */
export function rowOfCommand(command: string): PythonRow {
  const words = splitWords(command);
  if (words[0] === 'python' || words[0] === 'python3') words.shift();
  const [script, ...rest] = words;
  if (script === undefined || script === '' || script === '.py' || script.startsWith('-')) {
    throw new RunmakerError('usage', `${JSON.stringify(command)} names no Python script`, {
      hint: "write: 'dummy.py 1 --cheese=on,toast'",
    });
  }
  const args: string[] = [];
  const kwargs = new Map<string, string>();
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] as string;
    const next = rest[at + 1];
    const [, key, , given] = /^--([^=]+)(=([\s\S]*))?$/.exec(word) ?? [];
    const value = given ?? (next?.startsWith('--') ? undefined : next);
    if (key === undefined || value === undefined) {
      args.push(word);
      continue;
    }
    if (kwargs.has(key)) throw new RunmakerError('usage', `${JSON.stringify(command)}: --${key} is given twice`);
    kwargs.set(key, value);
    if (given === undefined) at++;
  }
  const members = [...kwargs].map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  return {
    script: script.replace(/\.py$/, ''),
    args: `[${args.map(arg => JSON.stringify(arg)).join(', ')}]`,
    kwargs: `{${members.join(', ')}}`,
  };
}

/** Undefined for what is not JSON. Numbers come as marked strings, with all their digits. */
function parseJson(text: string): unknown {
  try {
    JSON.parse(text);
    return JSON.parse(text.replace(JSON_TOKEN, token => (token.startsWith('"') ? token : JSON.stringify(NUMBER + token))));
  } catch {
    return undefined;
  }
}

function pythonText(value: unknown): string {
  return typeof value === 'string' && !value.startsWith(NUMBER) ? value : pythonLiteral(value);
}

function pythonLiteral(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return value.startsWith(NUMBER) ? pythonNumber(value.slice(NUMBER.length)) : pythonString(value);
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`;
  const members = Object.entries(value as object).map(([key, member]) => `${pythonString(key)}: ${pythonLiteral(member)}`);
  return `{${members.join(', ')}}`;
}

function pythonString(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
  return escaped.includes("'") && !escaped.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}
