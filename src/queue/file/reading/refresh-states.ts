import { contentEnd, jobState, LF, NOT_A_JOB } from '../../../job/line.js';
import type { LockableFile } from '../locks/lock-driver.js';
import { digest, fingerprintOf } from './fingerprint.js';
import type { LineIndex } from './line-index.js';

/** State and separator. */
const BEFORE_COMMAND = 2;
/** Bytes before and after a line that are looked at when the line was lost to another process. */
const NEIGHBOURHOOD = 16 * 1024;

/**
 * Reads all states again; blocks that are as they were at the last reading are not looked at line by line. Returns how many differ from
 * those of the index, which then has them; undefined when anything but states has changed, and the index is not to be relied upon any more.
 */
export async function refreshStates(file: LockableFile, index: LineIndex): Promise<number | undefined> {
  const longest = index.blocks.reduce((most, block) => Math.max(most, block.end - block.start), 0);
  const buffer = Buffer.allocUnsafe(longest);
  let differing = 0;
  let covered = 0;
  for (const block of index.blocks) {
    const { start, end, firstLine, lastLine, fingerprint } = block;
    covered += end - start;
    const bytes = buffer.subarray(0, end - start);
    if ((await file.read(bytes, start)) < bytes.length) return undefined;
    const whole = digest(bytes);
    if (whole === block.whole) continue;
    const fresh: [line: number, state: number][] = [];
    for (let line = firstLine; line <= lastLine; line++) {
      const before = index.stateAt(line);
      if (before === NOT_A_JOB) continue;
      const at = index.startOf(line) - start;
      const now = bytes[at] as number;
      if (now === before) continue;
      if (now === LF || jobState(bytes, at, at + BEFORE_COMMAND) === NOT_A_JOB) return undefined;
      fresh.push([line, now]);
    }
    if (fingerprintOf(bytes, start, index, firstLine, lastLine) !== fingerprint) return undefined;
    for (const [line, state] of fresh) index.setState(line, state);
    block.whole = whole;
    differing += fresh.length;
  }
  for (const { line, start, end } of index.overlong) {
    covered += end - start;
    const now = await overlongState(file, start, end, index.end);
    const before = index.stateAt(line);
    if (now === undefined || (now === NOT_A_JOB) !== (before === NOT_A_JOB)) return undefined;
    if (now === before) continue;
    index.setState(line, now);
    differing++;
  }
  return covered === index.end ? differing : undefined;
}

/** The state of a line that is too long to be read; undefined when it does not end where it did. What it says between is nobody's concern. */
async function overlongState(file: LockableFile, start: number, end: number, fileEnd: number): Promise<number | undefined> {
  const head = Buffer.alloc(BEFORE_COMMAND);
  const last = Buffer.alloc(1);
  if ((await file.read(head, start)) < head.length || (await file.read(last, end - 1)) < last.length) return undefined;
  return last[0] === LF || end === fileEnd ? jobState(head, 0, head.length) : undefined;
}

/**
 * Reads the states around a line again, from the first new one that is near, after it turned out that others are at work
 * there. False when lines are not where the index has them.
 */
export async function refreshStatesAround(file: LockableFile, index: LineIndex, line: number): Promise<boolean> {
  const { firstNew } = index;
  const first = firstNew < line && index.startOf(line) - index.startOf(firstNew) < NEIGHBOURHOOD ? firstNew : line;
  const origin = Math.max(0, index.startOf(first) - 1);
  const bytes = Buffer.allocUnsafe(index.endOf(line) + NEIGHBOURHOOD - origin);
  const got = await file.read(bytes, origin);
  for (let at = first; at <= index.lineCount && index.endOf(at) - origin <= got; at++) {
    const start = index.startOf(at) - origin;
    const end = index.endOf(at) - origin;
    if (start > 0 && bytes[start - 1] !== LF) return false;
    const state = jobState(bytes, start, contentEnd(bytes, start, bytes[end - 1] === LF ? end - 1 : end));
    const before = index.stateAt(at);
    if ((state === NOT_A_JOB) !== (before === NOT_A_JOB)) return false;
    if (state !== before) index.setState(at, state);
  }
  return true;
}
