import { createRequire } from 'node:module';
import { NOT_A_JOB } from '../../../job/line.js';
import type { LineIndex } from './line-index.js';

/** What stands in place of states when a fingerprint is taken without them. */
export const STATELESS = 0;

/**
 * Takes a fingerprint of whole lines without their states, so that any other change to them shows. Spoils the bytes.
 * @param bytes those of the file from `start` on
 */
export function fingerprintOf(bytes: Buffer, start: number, index: LineIndex, firstLine: number, lastLine: number): number {
  for (let line = firstLine; line <= lastLine; line++) {
    if (index.stateAt(line) !== NOT_A_JOB) bytes[index.startOf(line) - start] = STATELESS;
  }
  return digest(bytes);
}

/** 32 bits that stand for many bytes: 4 GB a second. */
export function digest(bytes: Buffer): number {
  loaded ??= load();
  return loaded(bytes);
}

let loaded: ((bytes: Buffer) => number) | undefined;

/** Not every program comes to need it. The first versions of Node 20 have no crc32. */
function load(): (bytes: Buffer) => number {
  const require = createRequire(import.meta.url);
  const zlib = require('node:zlib') as typeof import('node:zlib');
  if (typeof zlib.crc32 === 'function') return bytes => zlib.crc32(bytes);
  const { createHash } = require('node:crypto') as typeof import('node:crypto');
  return bytes => createHash('md5').update(bytes).digest().readUInt32LE();
}
