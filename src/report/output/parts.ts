import fs from 'node:fs';

/** Fewer bytes than these are joined to be written: that costs less than a call for several parts. */
export const FEW_BYTES = 16 * 1024;

/** How many bytes these are together. */
export function sizeOf(parts: readonly Buffer[]): number {
  let size = 0;
  for (const { length } of parts) size += length;
  return size;
}

/** What follows the first `count` bytes. */
export function behind(parts: readonly Buffer[], count: number): readonly Buffer[] {
  let first = 0;
  let rest = count;
  while (rest >= parts[first]!.length) rest -= parts[first++]!.length;
  return [parts[first]!.subarray(rest), ...parts.slice(first + 1)];
}

/** One system call for all parts: joining them first would take as long as tagging their lines. Few bytes are joined at less cost. */
export function writeSome(fd: number, parts: readonly Buffer[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, written: number): void => (error ? reject(error) : resolve(written));
    if (parts.length === 1) fs.write(fd, parts[0]!, done);
    else if (sizeOf(parts) < FEW_BYTES) fs.write(fd, Buffer.concat(parts), done);
    else fs.writev(fd, parts, done);
  });
}
