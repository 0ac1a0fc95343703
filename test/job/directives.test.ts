import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { DIRECTIVE_MARK, withoutDirectives } from '../../src/job/directive-mark.js';
import { type DirectiveProblem, type Directives, NO_DIRECTIVES, parseDirectives } from '../../src/job/directives.js';

function directives(command: string): Directives {
  const parsed = parseDirectives(Buffer.from(command));
  expect(parsed.problem).toBeUndefined();
  return parsed.directives;
}

function problem(command: string | Buffer): DirectiveProblem {
  const parsed = parseDirectives(Buffer.from(command));
  expect(parsed.directives).toBe(NO_DIRECTIVES);
  if (parsed.problem === undefined) throw new Error('no problem was found');
  return parsed.problem;
}

describe('directives', () => {
  it('are empty without a mark, and then use no memory', () => {
    expect(directives('python train.py --seed 1')).toBe(NO_DIRECTIVES);
    expect(directives('')).toBe(NO_DIRECTIVES);
  });

  it('default to no needs, no order and no limits, and the shared defaults are immutable', () => {
    expect(NO_DIRECTIVES).toEqual({ needs: {}, after: [], priority: 0 });
    expect(Object.isFrozen(NO_DIRECTIVES) && Object.isFrozen(NO_DIRECTIVES.needs) && Object.isFrozen(NO_DIRECTIVES.after)).toBe(true);
  });

  it('follow the mark, separated by blanks and tabs, in any order', () => {
    const expected = {
      needs: { cpus: 2, mem: 4 * 1024 ** 3, gpus: 1 },
      timeout: 7_200_000,
      retries: 3,
      name: 'prep',
      after: [3, 'fetch'],
      priority: 5,
    };
    expect(directives('make #: cpus=2 mem=4G gpus=1 timeout=2h retries=3 name=prep after=3,fetch priority=5')).toEqual(expected);
    expect(directives('make #:  priority=5\tafter=3,fetch \t name=prep retries=3 timeout=2h gpus=1 mem=4G cpus=2 \t')).toEqual(expected);
  });

  it('omit what the line does not specify', () => {
    expect(directives('make #: cpus=0.5')).toEqual({ ...NO_DIRECTIVES, needs: { cpus: 0.5 } });
    expect(directives('make #: name=a')).not.toHaveProperty('timeout');
  });

  it('follow the last mark only: an earlier one belongs to the command', () => {
    expect(directives('echo " #: not=me" #: cpus=1').needs.cpus).toBe(1);
    expect(directives('a #: name=x #: cpus=1')).not.toHaveProperty('name');
  });

  it('require the complete mark, with a blank on both sides', () => {
    for (const command of ['make #:cpus', 'make#: cpus=x', '#: cpus=x', 'make # : cpus=x', 'make\t#: cpus=x']) {
      expect(directives(command)).toBe(NO_DIRECTIVES);
    }
  });

  it('produce a problem with its column when the blank after the mark is missing', () => {
    expect(problem('make #:after=1')).toEqual({
      column: 8,
      message: '"#:after=1" lacks the blank behind "#:"; what is no directive is written \\#: or in quotes',
    });
    expect(problem('make "it\'s" #:cpus=1 gpus=1').message).toContain('"#:cpus=1"');
  });

  it.each([
    "echo 'a #: b'",
    'echo "a #: b"',
    'echo "it\'s #: cpus=1" x',
    'echo a\\ "b\\" #: c=1"',
    'make \\#: cpus=1',
    "grep ' #:after=1' list",
    'make \\#:after=1',
  ])('are text of the command in quotes, or after a backslash: %s', command => {
    expect(directives(command)).toBe(NO_DIRECTIVES);
    expect(withoutDirectives(Buffer.from(command)).toString()).toBe(command);
  });

  it.each([
    "echo 'a' #: cpus=1",
    "echo \\' #: cpus=1",
    "make # don't wait #: cpus=1",
    "echo 'a #: b' #: cpus=1",
    'echo "\\"" #: cpus=1',
    "make #: name='a #: cpus=1",
  ])('are recognised after quoted text that ends before them: %s', command => {
    expect(directives(command).needs.cpus).toBe(1);
  });

  it('may be empty', () => {
    expect(directives('make #: ')).toEqual(NO_DIRECTIVES);
    expect(directives('make #:  \t')).toEqual(NO_DIRECTIVES);
  });

  it('may name jobs in any script', () => {
    expect(directives('make #: name=vorbereitung-ü after=準備').name).toBe('vorbereitung-ü');
    expect(directives('make #: after=準備').after).toEqual(['準備']);
  });

  it('may name jobs in bytes that are not UTF-8, each byte read as one character', () => {
    const parsed = parseDirectives(Buffer.from('make #: name=\xfc', 'latin1'));
    expect(parsed).toEqual({ directives: { ...NO_DIRECTIVES, name: '\xfc' } });
  });

  it('may give a negative priority, and needs of 0', () => {
    expect(directives('make #: priority=-5').priority).toBe(-5);
    expect(directives('make #: cpus=0 mem=0 gpus=0').needs).toEqual({ cpus: 0, mem: 0, gpus: 0 });
  });

  it('may name a job with digits, unless it is a number', () => {
    expect(directives('make #: name=2nd').name).toBe('2nd');
    expect(directives('make #: name=a=b').name).toBe('a=b');
  });

  it('may describe a container', () => {
    const line = 'train #: image=python:3.12 volume=/data:/d:ro volume=cache:/c env=A=b=c env=HOME network=none entrypoint=python';
    expect(directives(line)).toMatchObject({
      container: {
        image: 'python:3.12',
        volumes: [
          { source: '/data', target: '/d', readOnly: true },
          { source: 'cache', target: '/c', readOnly: false },
        ],
        env: [{ name: 'A', value: 'b=c' }, { name: 'HOME' }],
        network: 'none',
        entrypoint: 'python',
      },
    });
    expect(directives('make #: env=A=1').container).toEqual({ volumes: [], env: [{ name: 'A', value: '1' }] });
    expect(directives('make #: cpus=1')).not.toHaveProperty('container');
  });

  it('may name a type of GPU, and request one unless they give a number', () => {
    expect(directives('train #: gpu=A100').needs).toEqual({ gpus: 1, 'gpu:a100': 1 });
    expect(directives('train #: gpus=2 gpu=RTX-3090').needs).toEqual({ gpus: 2, 'gpu:rtx-3090': 2 });
  });

  it.each(['volume=/data', 'volume=/a:b', 'volume=/a:/b:wo', 'volume=:/b', 'env=1A=2', 'env==2', 'gpu=2'])('cannot be %s', word => {
    expect(problem(`make #: ${word}`).message).toMatch(/ cannot be .*; it takes /);
  });

  it('survive printing and parsing', () => {
    const name = fc.stringMatching(/^[a-zA-Z_][\w.:/-]{0,12}$/);
    const values = fc.record(
      {
        cpus: fc.nat(64),
        mem: fc.nat(),
        gpus: fc.nat(8),
        timeout: fc.integer({ min: 1, max: 1e6 }),
        retries: fc.integer({ min: 1, max: 100 }),
        name,
        after: fc.array(fc.oneof(fc.integer({ min: 1, max: 1e6 }), name), { minLength: 1 }),
        priority: fc.integer(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(values, fc.constantFrom(' ', '\t', '  '), (given, blank) => {
        const { cpus, mem, gpus, after = [], priority = 0, timeout, ...rest } = given;
        const text = Object.entries(given).map(([key, value]) => `${key}=${value}`);
        const seconds = timeout === undefined ? {} : { timeout: timeout * 1000 };
        expect(directives(`true${DIRECTIVE_MARK}${text.join(blank)}`)).toEqual({
          needs: Object.fromEntries(Object.entries({ cpus, mem, gpus }).filter(([, amount]) => amount !== undefined)),
          after,
          priority,
          ...seconds,
          ...rest,
        });
      }),
    );
  });
});

describe('a value in single quotes', () => {
  it('may contain blanks, and loses its quotes', () => {
    expect(directives("make #: slurm='-p short -A x' cpus=2")).toMatchObject({ slurm: '-p short -A x', needs: { cpus: 2 } });
  });

  it('requires the closing quote before a blank or the end', () => {
    expect(directives("make #: name=o'brien").name).toBe("o'brien");
    expect(problem("make #: slurm='-p short").message).toMatch(/short" is not of the form key=value/);
  });
});

describe('a problem with directives', () => {
  test.each([
    ['cpu=2', 'cpus'],
    ['gpuss=1', 'gpus'],
    ['CPUS=2', 'cpus'],
    ['memory=4G', 'mem'],
    ['tiemout=3', 'timeout'],
    ['time=3', 'timeout'],
    ['retry=3', 'retries'],
    ['prio=3', 'priority'],
  ])('suggests the closest key for %s', (word, key) => {
    expect(problem(`make #: ${word}`).message).toContain(`did you mean ${key}?`);
  });

  test.each(['colour=red', '=3', 'constructor=1', '__proto__=1', `${'x'.repeat(1000)}=1`])(
    'lists the keys when none resembles %s',
    word => {
      expect(problem(`make #: ${word}`).message).toMatch(/is not a directive; there are cpus, mem, gpus, timeout, /);
    },
  );

  it('reports a word without =', () => {
    expect(problem('make #: cpus=1 please')).toEqual({ column: 18, message: '"please" is not of the form key=value' });
  });

  it('reports a missing value', () => {
    expect(problem('make #: name= cpus=1')).toEqual({
      column: 16,
      message: 'name has no value; it takes a name, which is not a number and has no comma',
    });
  });

  test.each([
    'cpus=-1',
    'cpus=two',
    'cpus=1e3',
    'mem=4X',
    'mem=-1',
    'gpus=0.5',
    'gpus=-1',
    'timeout=soon',
    'timeout=-1',
    'timeout=0',
    'retries=0',
    'retries=1.5',
    'priority=1.5',
    'priority=high',
    'name=3',
    'name=-3.5',
    'name=a,b',
    'after=0',
    'after=-3',
    'after=1.5',
    'after=3,,4',
    'after=3,',
    'after=,',
    `priority=${'9'.repeat(30)}`,
    `cpus=${'9'.repeat(400)}`,
  ])('is found in %s', word => {
    const key = word.slice(0, word.indexOf('='));
    expect(problem(`make #: ${word}`).message).toMatch(new RegExp(`^${key} cannot be ".*"; it takes `));
  });

  it('is a key given twice, even with the same value', () => {
    expect(problem('make #: cpus=1 mem=1 cpus=1')).toEqual({ column: 24, message: 'cpus is given twice' });
  });

  it('is only the first of several', () => {
    expect(problem('make #: cpus=x mem=y').message).toContain('cpus');
  });

  it('gives the column in the line, in bytes: that of the word, or of the value when only that is wrong', () => {
    // `. make #: foo=1`: the f is the 11th byte.
    expect(problem('make #: foo=1').column).toBe(11);
    expect(problem('make #: cpus=x').column).toBe(16);
    // The ü takes two bytes.
    expect(problem('müke #: foo=1').column).toBe(12);
    expect(problem('make #: name=ü foo=1').column).toBe(19);
    expect(problem(Buffer.from('m\xfcke #: foo=1', 'latin1')).column).toBe(11);
  });

  it('counts columns from where the command begins', () => {
    expect(parseDirectives(Buffer.from('make #: foo=1'), 0).problem?.column).toBe(9);
  });

  it('quotes only the start of a long word', () => {
    const { message } = problem(`make #: ${'é'.repeat(1000)}`);
    expect(message).toBe(`"${'é'.repeat(40)}…" is not of the form key=value`);
  });

  it('is never thrown, and never comes with a partial set of directives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
        const command = Buffer.concat([Buffer.from('x #: cpus=1 '), bytes]);
        const parsed = parseDirectives(command);
        if (parsed.problem === undefined) return;
        expect(parsed.directives).toBe(NO_DIRECTIVES);
        expect(parsed.problem.column).toBeGreaterThan(2);
        expect(parsed.problem.column).toBeLessThanOrEqual(command.length + 3);
      }),
    );
  });

  it('is found even in megabytes', () => {
    const megabytes = 5_000_000;
    expect(problem(`x #: ${'x'.repeat(megabytes)}`).message.length).toBeLessThan(100);
    expect(problem(`x #: timeout=${'1s'.repeat(megabytes)}x`).column).toBe(16);
    expect(problem(`x #: cpus=${'1'.repeat(megabytes)}x`).column).toBe(13);
    expect(directives(`x #: ${' '.repeat(megabytes)}`)).toEqual(NO_DIRECTIVES);
  });
});
