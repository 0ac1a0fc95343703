import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACK,
  INVALID_CMD,
  INVALID_TOKEN,
  isCompleteRequest,
  isWholeWord,
  type LegacyRequest,
  parseLegacyJob,
  parseLegacyRequest,
  printLegacyJob,
  printLegacyRequest,
} from '../../../src/compat/runmaker4/plain-protocol.js';

describe('the older protocol', () => {
  it('reads the requests that it writes', () => {
    const token = fc.stringMatching(/^[!-~]{1,40}$/);
    const request: fc.Arbitrary<LegacyRequest> = fc.oneof(
      token.map(text => ({ kind: 'get' as const, token: text })),
      fc.record({ kind: fc.constant('set' as const), token, number: fc.nat(), state: fc.constantFrom('r', 'd', 'e', '!') }),
    );
    fc.assert(
      fc.property(request, given => {
        expect(parseLegacyRequest(printLegacyRequest(given))).toEqual(given);
      }),
    );
  });

  it.each([
    '',
    'GET',
    'GET ',
    'GET a b',
    'get a',
    'SET a 1',
    'SET a 1 .',
    'SET a -1 d',
    'SET a 1 dd',
    'SET a  1 d',
    'SET 1 d',
    'SET a\n\n 1 d',
  ])('knows no request %j', text => {
    expect(parseLegacyRequest(text)).toBeUndefined();
  });

  it('hands commands on byte for byte, as long as they may be', () => {
    const command = fc.uint8Array({ minLength: 1, maxLength: 60 }).map(bytes => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), command, (number, bytes) => {
        expect(parseLegacyJob(printLegacyJob({ number, command: bytes }))).toEqual({ kind: 'job', number, command: bytes });
      }),
    );
    const long = Buffer.alloc(1e6, 0x61);
    const read = parseLegacyJob(printLegacyJob({ number: 1, command: long }));
    expect(read.kind === 'job' && read.command.equals(long)).toBe(true);
  });

  it('tells that there is no job from what is no answer', () => {
    expect(parseLegacyJob(printLegacyJob(undefined))).toEqual({ kind: 'none' });
    expect(parseLegacyJob(Buffer.from('-1'))).toEqual({ kind: 'none' });
    expect(parseLegacyJob(Buffer.from('INVALID_TOKEN'))).toEqual({ kind: 'other', text: 'INVALID_TOKEN' });
    expect(parseLegacyJob(Buffer.from(''))).toEqual({ kind: 'other', text: '' });
  });

  it('knows that an answer is whole which is the same each time', () => {
    for (const word of ['-1', '-1 ', 'ACK', 'ACK\r', 'INVALID_CMD', 'INVALID_TOKEN']) expect(isWholeWord(Buffer.from(word))).toBe(true);
    for (const part of ['', '-', 'AC', 'INVALID_', '1', '2 ', '2 echo TRU', '-1 echo']) expect(isWholeWord(Buffer.from(part))).toBe(false);
  });

  it('takes a token that comes with its line feed, and ignores white space at the end', () => {
    expect(parseLegacyRequest('GET a\n')).toEqual({ kind: 'get', token: 'a' });
    expect(parseLegacyRequest('SET a\n 1 d')).toEqual({ kind: 'set', token: 'a', number: 1, state: 'd' });
    expect(parseLegacyRequest('SET a\r\n 1 d \t\r\n')).toEqual({ kind: 'set', token: 'a', number: 1, state: 'd' });
  });

  it.each([
    ['GET a', true],
    ['GET b', false],
    ['GET b\n', true],
    ['SET b 1 d', true],
    ['SET a\n', false],
    ['SET a\n 1', false],
    ['SET a\n 1 d', true],
    ['nonsense', false],
    ['nonsense\n', true],
    ['', false],
  ])('of %j knows whether more is to come', (text, isComplete) => {
    expect(isCompleteRequest(text, token => token === 'a')).toBe(isComplete);
  });

  it('sends bytes as runmaker4 does: without a line feed', () => {
    expect([ACK, INVALID_CMD, INVALID_TOKEN, printLegacyRequest({ kind: 'get', token: 'a' })]).toEqual([
      'ACK',
      'INVALID_CMD',
      'INVALID_TOKEN',
      'GET a',
    ]);
    expect(printLegacyRequest({ kind: 'set', token: 'a', number: 3, state: 'd' })).toBe('SET a 3 d');
    expect(printLegacyJob({ number: 3, command: Buffer.from('echo x') }).toString()).toBe('3 echo x');
    expect(printLegacyJob(undefined).toString()).toBe('-1 ');
  });
});
