import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Frames } from '../../../src/execute/container/engine/frames.js';

function frame(stream: 1 | 2, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

describe('the frames of an engine', () => {
  it('carry both outputs byte for byte, wherever the connection splits them', () => {
    const frames = fc.array(fc.record({ stream: fc.constantFrom(1 as const, 2 as const), bytes: fc.uint8Array({ maxLength: 40 }) }));
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 13 }), { minLength: 1 }), (sent, cuts) => {
        const wire = Buffer.concat(sent.map(({ stream, bytes }) => frame(stream, bytes)));
        const parser = new Frames();
        const got = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
        for (let at = 0, cut = 0; at < wire.length; cut++) {
          const length = cuts[cut % cuts.length] as number;
          for (const { stream, bytes } of parser.push(wire.subarray(at, at + length))) got[stream].push(Buffer.from(bytes));
          at += length;
        }
        const all = (stream: 1 | 2) => Buffer.concat(sent.filter(one => one.stream === stream).map(({ bytes }) => bytes));
        expect(Buffer.concat(got.stdout)).toEqual(all(1));
        expect(Buffer.concat(got.stderr)).toEqual(all(2));
      }),
    );
  });
});
