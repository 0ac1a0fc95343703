import { isUtf8 } from 'node:buffer';
import { RunmakerError } from '../errors.js';
import { type ContainerNeeds, readVariable, readVolume, type Variable, type Volume } from './container.js';
import { DIRECTIVE_MARK, directiveMark, mistypedMark } from './directive-mark.js';
import { parseDuration } from './duration.js';
import { gpuResource } from './gpu-type.js';
import { type Needs, NO_NEEDS } from './needs.js';
import { parseSize } from './size.js';
import { nearestWord } from './spelling.js';

/** What a job's line says about how to run it, after ` #: `. */
export interface Directives {
  /** What the job needs of its host while it runs; what its line does not name it does not need. */
  readonly needs: Needs;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  /** Runs in all before a failing job counts as failed. */
  readonly retries?: number | undefined;
  readonly name?: string | undefined;
  /** Line numbers and names, all of which must be `d` first. */
  readonly after: readonly (number | string)[];
  /** Higher first; 0 when the line does not say. */
  readonly priority: number;
  /** The container that it is to run in; absent when the line says nothing about one. */
  readonly container?: ContainerNeeds | undefined;
  /** Options of sbatch for a job that Slurm runs, in one text. */
  readonly slurm?: string | undefined;
}

/** Where and why a directive cannot be read. */
export interface DirectiveProblem {
  /** Column in the line, in bytes, from 1. */
  readonly column: number;
  readonly message: string;
}

/** What a command says about how to run it, or why that cannot be known. */
export interface ParsedDirectives {
  /** The defaults when there is a problem: half a set of directives is never acted on. */
  readonly directives: Directives;
  /** The first problem of the line. */
  readonly problem?: DirectiveProblem | undefined;
}

/** What holds for a command without directives. One frozen object, shared by all of them. */
export const NO_DIRECTIVES: Directives = Object.freeze({
  needs: NO_NEEDS,
  after: Object.freeze([]),
  priority: 0,
});

/** The values that were read, by key. */
type Values = { readonly cpus: number; readonly mem: number; readonly gpus: number; readonly gpu: string } & {
  readonly [K in Exclude<keyof Directives, 'needs' | 'container'>]-?: NonNullable<Directives[K]>;
} & {
  readonly image: string;
  readonly volume: readonly Volume[];
  readonly network: string;
  readonly env: readonly Variable[];
  readonly entrypoint: string;
};

type Key = keyof Values;

/** For each key: its values, in words, and how to read them from bytes in Latin-1; undefined if unreadable. */
const GRAMMAR: { readonly [K in Key]: { readonly takes: string; read(value: string): Values[K] | undefined } } = {
  cpus: { takes: 'a number such as 2 or 0.5', read: value => (isAmount(value) ? Number(value) : undefined) },
  mem: { takes: 'a size such as 512M or 4G', read: value => unlessRefused(parseSize, value) },
  gpus: { takes: 'a whole number', read: value => integer(value, 0) },
  // No time at all would be the end of every attempt, and elsewhere means no limit: neither can be meant.
  timeout: { takes: 'a duration above 0, such as 90, 30s or 1h30m', read: value => unlessRefused(parseDuration, value) || undefined },
  retries: { takes: 'a whole number from 1', read: value => integer(value, 1) },
  name: { takes: 'a name, which is not a number and has no comma', read: value => (isName(value) ? decode(value) : undefined) },
  after: { takes: 'line numbers and names with commas between them', read: readReferences },
  slurm: { takes: "options of sbatch, in single quotes where there are several: '-p short -A x'", read: decode },
  priority: { takes: 'a whole number', read: value => integer(value, Number.MIN_SAFE_INTEGER) },
  gpu: { takes: 'part of the name of a GPU, such as A100 (how many: gpus)', read: value => (isName(value) ? decode(value) : undefined) },
  image: { takes: 'the name of an image, such as python:3.12', read: decode },
  volume: { takes: 'source:target or source:target:ro, the target an absolute path', read: value => listOf(readVolume(decode(value))) },
  network: { takes: 'none, bridge, host or the name of a network', read: decode },
  env: { takes: 'NAME=value, or NAME for the value that the runner has', read: value => listOf(readVariable(decode(value))) },
  entrypoint: { takes: 'a program of the image', read: decode },
};

/** A directive; its value may be in single quotes, and then hold blanks. */
const WORD = /[a-z]+='[^']*'(?=[ \t]|$)|[^ \t]+/g;

const KEYS = Object.keys(GRAMMAR) as Key[];

/** Those of which there may be several in a line. */
const REPEATABLE: ReadonlySet<Key> = new Set<Key>(['volume', 'env']);

/**
 * Reads what follows the last ` #: ` of a command: `key=value` separated by blanks or tabs, in any order.
 * Never throws: what cannot be read is a problem of that line.
 *
 * @param command byte for byte as it stands in the line
 * @param columnOffset how many bytes of the line stand before the command: its state and the separator
 */
export function parseDirectives(command: Buffer, columnOffset = 2): ParsedDirectives {
  const mark = directiveMark(command);
  if (mark === -1) return withoutMark(command, columnOffset);
  const start = mark + DIRECTIVE_MARK.length;
  // One character a byte, so that positions in the text are positions in the line.
  const text = command.toString('latin1', start);
  const values: Partial<Values> = {};
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const refusal = readWord(word, values);
    if (refusal) {
      const column = columnOffset + start + index + refusal.at + 1;
      return { directives: NO_DIRECTIVES, problem: { column, message: refusal.message } };
    }
  }
  return { directives: assemble(values) };
}

/** A job that runs at once although it was to wait would be worse than one that is left alone. */
function withoutMark(command: Buffer, columnOffset: number): ParsedDirectives {
  const at = mistypedMark(command);
  if (at === -1) return { directives: NO_DIRECTIVES };
  const [word = ''] = /^[^ \t]*/.exec(command.toString('latin1', at)) ?? [];
  const message = `${quote(word)} lacks the blank behind "#:"; what is no directive is written \\#: or in quotes`;
  return { directives: NO_DIRECTIVES, problem: { column: columnOffset + at + 1, message } };
}

/** Adds one `key=value` to the values, or says what is wrong with it, `at` how many bytes into the word. */
function readWord(word: string, values: Partial<Values>): { at: number; message: string } | undefined {
  const equals = word.indexOf('=');
  if (equals === -1) return { at: 0, message: `${quote(word)} is not of the form key=value` };
  const key = word.slice(0, equals);
  if (!isKey(key)) return { at: 0, message: unknownKey(key) };
  if (key in values && !REPEATABLE.has(key)) return { at: 0, message: `${key} is given twice` };
  const value = unquoted(word.slice(equals + 1));
  if (value === '') return { at: equals + 1, message: `${key} has no value; it takes ${GRAMMAR[key].takes}` };
  if (!readValue(key, value, values)) {
    return { at: equals + 1, message: `${key} cannot be ${quote(value)}; it takes ${GRAMMAR[key].takes}` };
  }
  return undefined;
}

function unquoted(value: string): string {
  return /^'[^']*'$/.test(value) ? value.slice(1, -1) : value;
}

function isKey(text: string): text is Key {
  return Object.hasOwn(GRAMMAR, text);
}

/** Whether the value was readable; if so, it is stored. */
function readValue<K extends Key>(key: K, text: string, values: { [P in K]?: Values[P] }): boolean {
  const value = GRAMMAR[key].read(text);
  if (value === undefined) return false;
  const before = values[key];
  values[key] = Array.isArray(before) && Array.isArray(value) ? ([...before, ...value] as unknown as Values[K]) : value;
  return true;
}

function assemble(values: Partial<Values>): Directives {
  const { cpus, mem, gpu, gpus = gpu && 1, after = [], priority = 0, image, volume: volumes, network, env, entrypoint, ...rest } = values;
  const typed = gpu !== undefined && typeof gpus === 'number' ? { [gpuResource(gpu)]: gpus } : {};
  const needs = {
    ...(cpus !== undefined && { cpus }),
    ...(mem !== undefined && { mem }),
    ...(typeof gpus === 'number' && { gpus }),
    ...typed,
  };
  const container = { image, volumes: volumes ?? [], network, env: env ?? [], entrypoint };
  const asksForContainer = [image, volumes, network, env, entrypoint].some(value => value !== undefined);
  return { needs, after, priority, ...rest, ...(asksForContainer && { container }) };
}

function listOf<T>(one: T | undefined): T[] | undefined {
  return one === undefined ? undefined : [one];
}

function isAmount(text: string): boolean {
  return /^(\d+(\.\d*)?|\.\d+)$/.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER;
}

function integer(text: string, least: number): number | undefined {
  const number = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) && number >= least ? number : undefined;
}

/** A number cannot be a name: where `after` refers to it, it is a line. */
function isName(text: string): boolean {
  return text !== '' && !text.includes(',') && !/^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text);
}

function readReferences(value: string): (number | string)[] | undefined {
  const references = value.split(',').map(part => integer(part, 1) ?? (isName(part) ? decode(part) : undefined));
  return references.every(reference => reference !== undefined) ? references : undefined;
}

function unlessRefused(parse: (text: string) => number, text: string): number | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RunmakerError) return undefined;
    throw error;
  }
}

/** Text from bytes that were read as Latin-1: what the user sees, when they are valid UTF-8. */
function decode(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1;
}

/** In quotes, and short enough for a message: a line may have megabytes. */
function quote(latin1: string): string {
  const text = decode(latin1);
  const [start] = /^.{0,40}/su.exec(text) ?? [text];
  return JSON.stringify(start === text ? text : `${start}…`);
}

function unknownKey(key: string): string {
  const meant = nearestWord(key.toLowerCase(), KEYS);
  return `${quote(key)} is not a directive; ${meant ? `did you mean ${meant}?` : `there are ${KEYS.join(', ')}`}`;
}
