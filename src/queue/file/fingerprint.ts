import { createHash } from 'node:crypto';
import zlib from 'node:zlib';
import { NOT_A_JOB } from '../../job/line.js';
import type { LineIndex } from './line-index.js';

/** Whole lines that lie together in the file, and what they were when they were read. */
export interface Block {
  /** Bytes of the file. */
  readonly start: number;
  readonly end: number;
  readonly firstLine: number;
  readonly lastLine: number;
  /** Of all bytes but the states. */
  readonly fingerprint: number;
}

/**
 * Takes a fingerprint of whole lines without their states, so that any other change to them shows. Spoils the bytes.
 * @param bytes those of the file from `start` on
 */
export function fingerprintOf(bytes: Buffer, start: number, index: LineIndex, firstLine: number, lastLine: number): number {
  for (let line = firstLine; line <= lastLine; line++) {
    if (index.stateAt(line) !== NOT_A_JOB) bytes[index.startOf(line) - start] = 0;
  }
  return digest(bytes);
}

/** The first versions of Node 20 have no crc32. */
const digest: (bytes: Buffer) => number =
  typeof zlib.crc32 === 'function' ? bytes => zlib.crc32(bytes) : bytes => createHash('md5').update(bytes).digest().readUInt32LE();
