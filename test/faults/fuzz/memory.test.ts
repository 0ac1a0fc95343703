import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { figure } from '../../support/figure.js';
import { mebibytes } from '../../support/peak.js';
import { run } from '../../support/programs.js';
import { temporaryFolder } from '../../support/temporary.js';

const MEASURE = fileURLToPath(new URL('measure.js', import.meta.url));

/** Memory that V8 uses before it collects garbage, whatever the input. */
const FLOOR = 80 * 2 ** 20;
/** Heap limit of a process in MiB: far more than any of these needs, and far less than would harm the machine. */
const HEAP = 700;
const LONGEST = 20_000;

interface Measured {
  readonly ms: number;
  readonly bytes: number;
  readonly result: unknown;
}

async function measure(what: string, content: Buffer): Promise<Measured> {
  const folder = temporaryFolder();
  const [path, warmUp] = ['input', 'small'].map(name => join(folder, name)) as [string, string];
  writeFileSync(path, content);
  writeFileSync(warmUp, '. a #: after=2\n. b\n');
  const { status, signal, stdout, stderr } = await run(process.execPath, [
    `--max-old-space-size=${HEAP}`,
    '--max-semi-space-size=2',
    MEASURE,
    what,
    path,
    warmUp,
  ]);
  if (stdout === '') throw new Error(`ended with ${signal ?? status}: ${/FATAL ERROR.*/.exec(stderr)?.[0] ?? stderr.slice(0, 300)}`);
  const measured = JSON.parse(stdout) as Measured | { error: string };
  if ('error' in measured) throw new Error(measured.error);
  return measured;
}

const MEGA = 2 ** 20;

function repeated(text: string, bytes: number): Buffer {
  return Buffer.alloc(bytes, text, 'latin1');
}

function lines(bytes: number, line: (number: number) => string): Buffer {
  const parts: string[] = [];
  for (let length = 0, number = 1; length < bytes; number++) {
    const text = `${line(number)}\n`;
    length += text.length;
    parts.push(text);
  }
  return Buffer.from(parts.join(''), 'latin1');
}

/** Worst-case inputs, and the memory they may cost: bytes per byte of input. */
const SHAPES: readonly [name: string, content: () => Buffer, times: number][] = [
  ['nothing but newlines', () => repeated('\n', 2 * MEGA), 12],
  ['nothing but CRLF', () => repeated('\r\n', 2 * MEGA), 12],
  ['nothing but NUL', () => repeated('\0', 2 * MEGA), 12],
  ['nothing but barriers', () => repeated('---\n', 2 * MEGA), 12],
  ['the shortest jobs', () => repeated('. a\n', 2 * MEGA), 12],
  ['one job of 2 MB', () => Buffer.concat([Buffer.from('. '), repeated('x', 2 * MEGA)]), 12],
  ['one job of 40 MB', () => Buffer.concat([Buffer.from('. '), repeated('x', 40 * MEGA)]), 12],
  ['a line of directive marks', () => Buffer.concat([Buffer.from('. '), repeated(' #: ', 2 * MEGA)]), 12],
  ['a line of directives', () => Buffer.concat([Buffer.from('. a #: '), repeated('cpus=1 ', 2 * MEGA)]), 12],
  [
    'a line with half a million references',
    () => lines(2 * MEGA, number => (number === 1 ? `. a #: after=${'1,'.repeat(MEGA / 2)}1` : '. b')),
    40,
  ],
  ['directives that say the same', () => repeated('. a #: cpus=1\n', 2 * MEGA), 40],
  ['directives that all differ', () => lines(2 * MEGA, number => `. a #: name=n${number}`), 40],
  ['directives that cannot be read', () => repeated('. a #: q\n', 2 * MEGA), 40],
  ['a chain: each line after the one before', () => lines(2 * MEGA, number => `. a #: after=${Math.max(1, number - 1)}`), 100],
  ['a circle of all lines', () => lines(2 * MEGA, number => `. a #: after=${number + 1}`), 100],
  [
    '300,000 lines of one name, and one that waits for it',
    () => lines(5 * MEGA, number => (number === 1 ? '. a #: after=x' : '. a #: name=x')),
    100,
  ],
  [
    'half of the lines wait for a name that the other half has',
    () => lines(MEGA / 4, number => `. a #: ${number % 2 ? 'after' : 'name'}=x`),
    100,
  ],
  [
    'one line waits for 40,000 others, which wait themselves',
    () => {
      const all = Array.from({ length: 40_000 }, (_, at) => at + 2);
      return Buffer.from(`. a #: after=${all.join(',')}\n${all.map(number => `. b #: after=${number + 1}\n`).join('')}. last\n`);
    },
    100,
  ],
];

describe.each(['counts', 'list'] as const)('%s', what => {
  it.each(SHAPES)(
    `needs no more memory than a small multiple of %s`,
    async (name, content, times) => {
      const input = content();
      const { ms, bytes, result } = await measure(what, input);
      figure(
        `${what}: ${mebibytes(input.length)} of ${name}: ${mebibytes(bytes)} (${(bytes / input.length).toFixed(1)} for each byte), ${ms.toFixed(0)} ms, ${result}`,
      );
      expect(bytes).toBeLessThan(FLOOR + times * input.length);
      expect(ms).toBeLessThan(LONGEST);
    },
    90_000,
  );
});

describe.each([
  ['directives', 4 * MEGA, [' #: ', 'cpus=1 ', 'after=1,', ',', '=', 'name=', '9', '\xff', 'a #: mem=']],
  // The kernel accepts no longer argument.
  ['choice', 128 * 1024, ['1,', ',', '-', '9', '1-', '@', '1-2,', ' ']],
  ['mount', 4 * MEGA, ['22 1 254:0 / / rw - ext4 /dev/vda rw\n', '\n', ' ', ' - ', '\\040', '1 2 3 / /data rw - nfs4 a rw\n']],
] as const)('%s', (what, size, pieces) => {
  it('needs no more memory than a small multiple of a very repetitive text', async () => {
    for (const piece of pieces) {
      const input = Buffer.concat([Buffer.from(what === 'directives' ? 'a #: ' : ''), repeated(piece, size)]);
      const { ms, bytes, result } = await measure(what, input);
      figure(
        `${what}: ${size / 1024} KiB of ${JSON.stringify(piece)}: ${mebibytes(bytes)}, ${ms.toFixed(0)} ms, ${String(result).slice(0, 60)}`,
      );
      expect(bytes).toBeLessThan(FLOOR + 40 * input.length);
      expect(ms).toBeLessThan(LONGEST);
    }
  }, 90_000);
});
