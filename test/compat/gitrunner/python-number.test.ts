import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pythonNumber } from '../../../src/compat/gitrunner/python-number.js';

const ORACLE = 'import json, sys\nfor line in sys.stdin: print(str(json.loads(line)))';

it('numbers are written as Python writes them', () => {
  const doubles = fc.sample(fc.double({ noNaN: true, noDefaultInfinity: true }), 3000).map(value => JSON.stringify(value));
  const texts = fc.sample(fc.stringMatching(/^-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?$/), 3000);
  const numbers = [
    ...doubles,
    ...texts,
    '-0',
    '-0.0',
    '2.50',
    '1e5',
    '1E400',
    '-1e400',
    '1e-3',
    '1e16',
    '1e15',
    '0.0001',
    '0.00001',
    '1e22',
    '5e-324',
  ];
  const wanted = execFileSync('python3', ['-c', ORACLE], { input: `${numbers.join('\n')}\n`, encoding: 'utf8', maxBuffer: 2 ** 26 });
  expect(numbers.map(pythonNumber)).toEqual(wanted.trimEnd().split('\n'));
});
