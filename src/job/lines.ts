import { contentEnd, LF } from './line.js';

/** Where the line that begins at `start` ends: at its line feed, or at the end of the bytes if it has none. */
export function lineEndFrom(bytes: Buffer, start: number): number {
  const feed = bytes.indexOf(LF, start);
  return feed < 0 ? bytes.length : feed;
}

/**
 * Calls `take` for each line, with the offsets where its content starts and ends (without LF and the CR before it) and where the next
 * line starts. The last line may lack its line feed. Nothing is copied.
 */
export function eachLine(bytes: Buffer, take: (start: number, end: number, next: number) => void): void {
  for (let start = 0; start < bytes.length; ) {
    const lineEnd = lineEndFrom(bytes, start);
    take(start, contentEnd(bytes, start, lineEnd), lineEnd + 1);
    start = lineEnd + 1;
  }
}

/** The lines without their line ends, as views of the bytes. */
export function linesIn(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  eachLine(bytes, (start, end) => lines.push(bytes.subarray(start, end)));
  return lines;
}
