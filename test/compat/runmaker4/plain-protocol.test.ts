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
  it('parses the requests that it prints', () => {
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
  ])('rejects the request %j', text => {
    expect(parseLegacyRequest(text)).toBeUndefined();
  });

  it('passes commands of any length through byte for byte', () => {
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

  it('distinguishes "no job" from a missing answer', () => {
    expect(parseLegacyJob(printLegacyJob(undefined))).toEqual({ kind: 'none' });
    expect(parseLegacyJob(Buffer.from('-1'))).toEqual({ kind: 'none' });
    expect(parseLegacyJob(Buffer.from('INVALID_TOKEN'))).toEqual({ kind: 'other', text: 'INVALID_TOKEN' });
    expect(parseLegacyJob(Buffer.from(''))).toEqual({ kind: 'other', text: '' });
  });

  it('recognises when a fixed answer is complete', () => {
    for (const word of ['-1', '-1 ', 'ACK', 'ACK\r', 'INVALID_CMD', 'INVALID_TOKEN']) expect(isWholeWord(Buffer.from(word))).toBe(true);
    for (const part of ['', '-', 'AC', 'INVALID_', '1', '2 ', '2 echo TRU', '-1 echo']) expect(isWholeWord(Buffer.from(part))).toBe(false);
  });

  it('accepts a token with a line feed, and ignores trailing white space', () => {
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
  ])('knows from %j whether more bytes follow', (text, isComplete) => {
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
