import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_DIRECTIVES } from '../../src/job/directives.js';
import type { Selection } from '../../src/job/selection.js';
import { fromWire, MOST_TEXT, toWire } from '../../src/wire/bytes.js';
import { jobFromWire, jobToWire, selectionFromWire, selectionToWire } from '../../src/wire/job-form.js';
import { LONGEST_FROM_SERVER, ProtocolError, readFromClient, readFromServer } from '../../src/wire/messages.js';

const overWire = (message: object): Buffer => Buffer.from(JSON.stringify(message));

describe('messages', () => {
  it.each([
    { type: 'pong' },
    { type: 'claim', id: 1 },
    { type: 'claim', id: 1, retry: true, free: { cpus: 0.5, mem: 1, gpus: 0 }, tell: true },
    { type: 'end', id: 2, claim: 1, state: '.' },
    { type: 'jobs', id: 3, selection: { lines: [1, [2, null], [null, 4]], states: ['!', 'e'], commands: ['x'] } },
  ])('from a client are parsed as intended: %j', message => {
    expect(readFromClient(overWire(message))).toEqual(message);
  });

  it.each([
    '',
    'null',
    '[]',
    '"claim"',
    '{}',
    '{"type":"constructor"}',
    '{"type":"__proto__","id":1}',
    '{"type":"claimed","id":1}',
    '{"type":"claim"}',
    '{"type":"claim","id":-1}',
    '{"type":"claim","id":1.5}',
    '{"type":"claim","id":1e300}',
    '{"type":"claim","id":1,"free":{"cpus":"1"}}',
    '{"type":"claim","id":1,"free":{"cpus":-1,"mem":0,"gpus":0}}',
    '{"type":"end","id":2,"claim":1,"state":"r"}',
    '{"type":"end","id":2,"claim":1,"state":"dd"}',
    '{"type":"part","id":2,"bytes":{"base64":"*"}}',
    '{"type":"hello","version":1,"client":"short","host":"h","claims":[]}',
    '{"type":"jobs","id":3,"selection":{"lines":[[1]]}}',
    '{"type":"set","id":3,"selection":{"match":"(a+)+b"},"state":"d","force":false}',
    '{"type":"pong"',
  ])('from a client are rejected if they are invalid: %j', text => {
    expect(() => readFromClient(Buffer.from(text))).toThrow(ProtocolError);
  });

  it('from a server are rejected if they are invalid', () => {
    for (const text of ['{"type":"claim","id":1}', '{"type":"claimed","id":1}', '{"type":"welcome"}', 'x']) {
      expect(() => readFromServer(Buffer.from(text))).toThrow(ProtocolError);
    }
  });

  it('of arbitrary bytes are either parsed or rejected', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        for (const read of [readFromClient, readFromServer]) {
          try {
            read(Buffer.from(bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }
      }),
    );
  });
});

describe('bytes', () => {
  it('arrive unchanged, whatever they are', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'grapheme', maxLength: 50 }).map(text => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, given => {
        const sent = JSON.parse(JSON.stringify(toWire(Buffer.from(given))));
        expect(fromWire(sent)).toEqual(Buffer.from(given));
      }),
    );
  });

  it.each([0, 1, 0x22, 0x5c, 0x80, 0xff])('of the longest possible command fit into a message: all 0x%s', byte => {
    for (const length of [MOST_TEXT, MOST_TEXT + 1, 16 * 1024 * 1024]) {
      const job = { id: '1', number: 1, ordinal: 1, offset: 0, state: '.', command: Buffer.alloc(length, byte), directives: NO_DIRECTIVES };
      const line = overWire({ type: 'claimed', id: 1, job: jobToWire(job), fence: 1 });
      expect(line.length).toBeLessThan(LONGEST_FROM_SERVER);
      const read = readFromServer(line);
      expect(read.type === 'claimed' && jobFromWire(read.job).command.equals(job.command)).toBe(true);
    }
  });
});

describe('a selection', () => {
  it('arrives unchanged', () => {
    const line = fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined });
    const range = fc.tuple(line, line).map(([from, to]) => ({ ...(from && { from }), ...(to && { to }) }));
    fc.assert(
      fc.property(fc.array(range), fc.boolean(), (lines, states) => {
        const selection: Selection = { lines, ...(states && { states: ['!', 'e'] }) };
        const read = readFromClient(overWire({ type: 'jobs', id: 1, selection: selectionToWire(selection) }));
        expect(read.type === 'jobs' && selectionFromWire(read.selection)).toEqual(selection);
      }),
    );
  });
});
