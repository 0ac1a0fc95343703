import fc from 'fast-check';
import { expect, it } from 'vitest';
import { visible, visibleBytes, visibleJson, visibleLines } from '../../src/job/visible.js';

it('escapes terminal control: one command cannot hide another', () => {
  expect(visible('echo harmless\x1b[2K\rrm -rf ~')).toBe('echo harmless\\x1b[2K\\x0drm -rf ~');
  expect(visible('a\u009b2Jb')).toBe('a\\x9b2Jb');
  expect(visible('echo "\u202etxt.exe\u2066"')).toBe('echo "\\u202etxt.exe\\u2066"');
  expect(visible('a\nb')).toBe('a\\x0ab');
});

it('leaves all other text unchanged, tabs included', () => {
  expect(visible('größe\t日本 👍 \\x1b')).toBe('größe\t日本 👍 \\x1b');
  expect(visibleLines('a\nb\x07')).toBe('a\nb\\x07');
});

it('escapes bytes that are not UTF-8 one by one', () => {
  const bytes = Buffer.from([0x61, 0x9b, 0x32, 0x4a, 0xff]);
  expect(visibleBytes(bytes)).toEqual(Buffer.concat([Buffer.from('a\\x9b2J'), Buffer.from([0xff])]));
  const plain = Buffer.from('größe');
  expect(visibleBytes(plain)).toBe(plain);
});

it('preserves the meaning of JSON, and leaves no active control characters in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      const json = visibleJson(JSON.stringify(text));
      expect(JSON.parse(json)).toBe(text);
      expect(visible(json)).toBe(json);
    }),
  );
});
