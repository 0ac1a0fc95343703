import fc from 'fast-check';
import { State } from '../../src/job/state.js';

/** A line as the grammar of the file defines it, found the slow way. */
export interface PlainLine {
  /** From 1. */
  readonly number: number;
  /** Byte offsets; `end` lies behind the line end. */
  readonly start: number;
  readonly end: number;
  /** A byte; 0 if the line is not a job. */
  readonly state: number;
  readonly command: Buffer;
  readonly isBarrier: boolean;
}

/** Parses a runs file line by line, by the grammar alone: the reference for everything faster. */
export function plainLines(bytes: Buffer): PlainLine[] {
  const lines: PlainLine[] = [];
  let start = 0;
  while (start < bytes.length) {
    const feed = bytes.indexOf('\n', start);
    const end = feed === -1 ? bytes.length : feed + 1;
    const content = bytes.toString('latin1', start, end).replace(/\r?\n$|\r$/, '');
    const isJob = /^[^#/\0][ \t]/.test(content) && !/^[ \t]{2}$/.test(content);
    lines.push({
      number: lines.length + 1,
      start,
      end,
      state: isJob ? content.charCodeAt(0) : 0,
      command: isJob ? Buffer.from(content.slice(2), 'latin1') : Buffer.alloc(0),
      isBarrier: /^-{3,}[ \t]*$/.test(content),
    });
    start = end;
  }
  return lines;
}

/** Bytes that are often a runs file and often nearly one. */
export function anyRunsFile({ maxLength = 60 }: { maxLength?: number } = {}): fc.Arbitrary<Buffer> {
  const state = fc.constantFrom(...Object.values(State), 'x', '#', '/', '\0', '');
  const separator = fc.constantFrom(' ', '\t', '', 'x');
  const command = fc.oneof(
    fc.constantFrom(
      '',
      'a',
      '-',
      '--',
      'echo a',
      'a #: priority=1',
      'a #: cpus=2 name=n',
      'a #: nonsense',
      '\r',
      'a\r',
      '#: after=1',
      '\0\0',
    ),
    fc.uint8Array({ maxLength: 12 }).map(bytes => Buffer.from(bytes).toString('latin1')),
  );
  const jobLike = fc.tuple(state, separator, command).map(parts => parts.join(''));
  const line = fc.oneof({ weight: 4, arbitrary: jobLike }, fc.constantFrom('---', '-----  ', '----\t', '--', '', '--- -', '\r', '---\r'));
  const lineEnd = fc.constantFrom('\n', '\n', '\n', '\r\n');
  return fc
    .tuple(fc.array(fc.tuple(line, lineEnd), { maxLength }), fc.boolean())
    .map(([lines, complete]) => lines.map(([text, end], at) => text + (complete || at < lines.length - 1 ? end : '')).join(''))
    .map(text => Buffer.from(text, 'latin1'));
}
