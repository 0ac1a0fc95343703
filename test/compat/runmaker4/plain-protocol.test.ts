import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isWholeWord,
  type LegacyRequest,
  parseLegacyJob,
  parseLegacyRequest,
  printLegacyJob,
  printLegacyRequest,
} from '../../../src/compat/runmaker4/plain-protocol.js';

const withoutEnd = (bytes: Buffer): Buffer => bytes.subarray(0, -1);

describe('the older protocol', () => {
  it('reads the requests that it writes', () => {
    const token = fc.stringMatching(/^[!-~]{1,40}$/);
    const request: fc.Arbitrary<LegacyRequest> = fc.oneof(
      token.map(text => ({ kind: 'get' as const, token: text })),
      fc.record({ kind: fc.constant('set' as const), token, number: fc.nat(), state: fc.constantFrom('r', 'd', 'e', '!') }),
    );
    fc.assert(
      fc.property(request, given => {
        expect(parseLegacyRequest(printLegacyRequest(given).slice(0, -1))).toEqual(given);
      }),
    );
  });

  it.each(['', 'GET', 'GET ', 'GET a b', 'get a', 'SET a 1', 'SET a 1 .', 'SET a -1 d', 'SET a 1 dd', 'SET a  1 d', 'SET 1 d'])(
    'knows no request %j',
    text => {
      expect(parseLegacyRequest(text)).toBeUndefined();
    },
  );

  it('hands commands on byte for byte, as long as they may be', { tags: ['slow'] }, () => {
    const command = fc.uint8Array({ minLength: 1, maxLength: 60 }).map(bytes => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), command, (number, bytes) => {
        expect(parseLegacyJob(withoutEnd(printLegacyJob({ number, command: bytes })))).toEqual({ kind: 'job', number, command: bytes });
      }),
    );
    const long = Buffer.alloc(1e6, 0x61);
    expect(parseLegacyJob(withoutEnd(printLegacyJob({ number: 1, command: long })))).toEqual({ kind: 'job', number: 1, command: long });
  });

  it('tells that there is no job from what is no answer', () => {
    expect(parseLegacyJob(withoutEnd(printLegacyJob(undefined)))).toEqual({ kind: 'none' });
    expect(parseLegacyJob(Buffer.from('-1'))).toEqual({ kind: 'none' });
    expect(parseLegacyJob(Buffer.from('INVALID_TOKEN'))).toEqual({ kind: 'other', text: 'INVALID_TOKEN' });
    expect(parseLegacyJob(Buffer.from(''))).toEqual({ kind: 'other', text: '' });
  });

  it('needs the line feed behind a job, and not behind what is always the same', () => {
    for (const word of ['-1', '-1 ', 'ACK', 'ACK\r', 'INVALID_CMD', 'INVALID_TOKEN']) expect(isWholeWord(Buffer.from(word))).toBe(true);
    for (const part of ['', '-', 'AC', 'INVALID_', '1', '2 ', '2 echo TRU', '-1 echo']) expect(isWholeWord(Buffer.from(part))).toBe(false);
  });
});
