import fs from 'node:fs';

/** Fewer bytes than this are joined before the write: cheaper than a call for several parts. */
export const FEW_BYTES = 16 * 1024;

export function sizeOf(parts: readonly Buffer[]): number {
  let size = 0;
  for (const { length } of parts) size += length;
  return size;
}

/** Everything after the first `count` bytes. */
export function behind(parts: readonly Buffer[], count: number): readonly Buffer[] {
  let first = 0;
  let rest = count;
  while (rest >= parts[first]!.length) rest -= parts[first++]!.length;
  return [parts[first]!.subarray(rest), ...parts.slice(first + 1)];
}

/** One system call for all parts: joining them first would take as long as tagging their lines. Few bytes are cheaper to join. */
export function writeSome(fd: number, parts: readonly Buffer[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, written: number): void => (error ? reject(error) : resolve(written));
    if (parts.length === 1) fs.write(fd, parts[0]!, done);
    else if (sizeOf(parts) < FEW_BYTES) fs.write(fd, Buffer.concat(parts), done);
    else fs.writev(fd, parts, done);
  });
}
