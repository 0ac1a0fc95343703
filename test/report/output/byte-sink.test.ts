import { execFileSync } from 'node:child_process';
import fs, { constants } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ByteSink } from '../../../src/report/output/byte-sink.js';
import { temporaryFolder } from '../support.js';

/** Both ends of a real pipe, whose writing end blocks unless requested otherwise. */
function pipe(flags = 0): { reader: number; writer: number } {
  const path = join(temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = fs.openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: fs.openSync(path, constants.O_WRONLY | flags) };
}

/** Reads from a pipe until the given number of bytes has arrived. */
async function read(fd: number, count: number): Promise<Buffer> {
  const bytes = Buffer.alloc(count);
  let filled = 0;
  for (let tries = 0; filled < count && tries < 10_000; tries++) {
    try {
      filled += fs.readSync(fd, bytes, filled, count - filled, null);
    } catch {
      await setTimeout(1);
    }
  }
  return bytes.subarray(0, filled);
}

/** A sink that writes through `write` instead of to a descriptor. */
function faked(write: (bytes: Buffer) => Promise<number>, more: ConstructorParameters<typeof ByteSink>[1] = {}): ByteSink {
  return new ByteSink(-1, { ...more, write: (_fd, parts) => write(Buffer.concat(parts)) });
}

const fault = (code: string) => Object.assign(new Error(code), { code });

describe('a byte sink', () => {
  it('writes everything in order', async () => {
    const path = join(temporaryFolder(), 'file');
    const sink = new ByteSink(fs.openSync(path, 'w'), { owned: true });
    for (let i = 0; i < 1000; i++) void sink.give(Buffer.from(`${i}\n`));
    await sink.close();
    expect(fs.readFileSync(path, 'utf8')).toBe(Array.from({ length: 1000 }, (_, i) => `${i}\n`).join(''));
  });

  it('copies buffers that are only lent', async () => {
    const path = join(temporaryFolder(), 'file');
    const sink = new ByteSink(fs.openSync(path, 'w'), { owned: true });
    const lent = Buffer.from('lent');
    void sink.write(lent);
    lent.fill('x');
    await sink.close();
    expect(fs.readFileSync(path, 'utf8')).toBe('lent');
  });

  it('joins what arrives during a write', async () => {
    const writes: string[] = [];
    const sink = faked(async bytes => {
      writes.push(bytes.toString());
      await setTimeout(5);
      return bytes.length;
    });
    void sink.give(Buffer.from('a'));
    await setTimeout(1);
    for (const text of ['b', 'c', 'd']) void sink.give(Buffer.from(text));
    await sink.flush();
    expect(writes).toEqual(['a', 'bcd']);
  });

  it('continues after a short write', async () => {
    let written = '';
    const sink = faked(async bytes => {
      written += bytes.toString('utf8', 0, 3);
      return Math.min(3, bytes.length);
    });
    void sink.give(Buffer.from('abcdefgh'));
    await sink.flush();
    expect(written).toBe('abcdefgh');
  });

  it('continues after a write that ended anywhere in the joined buffers', async () => {
    const parts = [5, 70_000, 1, 1, 40_000, 300].map((length, which) => Buffer.alloc(length, 97 + which));
    let written = '';
    const sink = faked(async bytes => {
      const count = Math.min(bytes.length, 1 + ((written.length * 7) % 30_000));
      written += bytes.toString('latin1', 0, count);
      return count;
    });
    for (const part of parts) void sink.give(part);
    await sink.flush();
    expect(written === Buffer.concat(parts).toString('latin1')).toBe(true);
    expect(sink.waiting).toBe(0);
  });

  it('writes many parts in order, more than fit in one call', async () => {
    const path = join(temporaryFolder(), 'file');
    const sink = new ByteSink(fs.openSync(path, 'w'), { owned: true });
    const parts = Array.from({ length: 5000 }, (_, i) => Buffer.from(`${i} ${'x'.repeat(i % 200)}\n`));
    for (const part of parts) void sink.give(part);
    await sink.close();
    expect(fs.readFileSync(path).equals(Buffer.concat(parts))).toBe(true);
  });

  it('never blocks the program, even if the reader of a pipe does not read', async () => {
    const { reader, writer } = pipe();
    const sink = new ByteSink(writer, { owned: true });
    const bytes = Buffer.alloc(300_000, 'x');
    void sink.give(bytes);
    await setTimeout(50);
    expect(sink.waiting).toBe(300_000);
    expect((await read(reader, 300_000)).equals(bytes)).toBe(true);
    await sink.close();
    fs.closeSync(reader);
  });

  it('waits for a full pipe that does not block', async () => {
    const { reader, writer } = pipe(constants.O_NONBLOCK);
    const sink = new ByteSink(writer, { owned: true });
    const bytes = Buffer.alloc(300_000, 'x');
    void sink.give(bytes);
    await setTimeout(50);
    expect((await read(reader, 300_000)).equals(bytes)).toBe(true);
    await sink.close();
    fs.closeSync(reader);
  });

  it('requests a pause when too much is pending, until there is room again', async () => {
    const { reader, writer } = pipe();
    const sink = new ByteSink(writer, { owned: true, highWater: 100_000 });
    expect(sink.give(Buffer.alloc(100_000))).toBeUndefined();
    const pause = sink.give(Buffer.alloc(100_000));
    expect(await Promise.race([pause, setTimeout(50, 'still waiting')])).toBe('still waiting');
    await read(reader, 180_000);
    await pause;
    expect(sink.waiting).toBeLessThanOrEqual(50_000);
    await read(reader, 20_000);
    await sink.close();
    fs.closeSync(reader);
  });

  it('reports once that the reader has gone, and drops what follows', async () => {
    const { reader, writer } = pipe();
    fs.closeSync(reader);
    let gone = 0;
    const sink = new ByteSink(writer, {
      owned: true,
      highWater: 1,
      onGone: () => gone++,
      onError: error => expect.unreachable(String(error)),
    });
    await sink.give(Buffer.from('nobody'));
    await sink.give(Buffer.from('listens'));
    await sink.close();
    expect(gone).toBe(1);
    expect(sink.waiting).toBe(0);
  });

  it('releases all waiters when the reader goes', async () => {
    const { reader, writer } = pipe();
    const sink = new ByteSink(writer, { owned: true, highWater: 1000 });
    const pauses = [sink.give(Buffer.alloc(500_000)), sink.give(Buffer.alloc(500_000)), sink.flush()];
    await setTimeout(20);
    fs.closeSync(reader);
    await Promise.all(pauses);
    await sink.close();
  });

  it('reports a full disk once', async () => {
    const errors: unknown[] = [];
    const sink = new ByteSink(fs.openSync('/dev/full', 'w'), { owned: true, onError: error => errors.push(error) });
    void sink.give(Buffer.from('a'));
    await sink.flush();
    void sink.give(Buffer.from('b'));
    await sink.close();
    expect(errors).toEqual([expect.objectContaining({ code: 'ENOSPC' })]);
  });

  it('resumes when the disk has room again', async () => {
    let full = true;
    let written = '';
    const sink = faked(async bytes => {
      if (full) throw fault('ENOSPC');
      written += bytes;
      return bytes.length;
    });
    void sink.give(Buffer.from('lost'));
    await sink.flush();
    full = false;
    void sink.give(Buffer.from('kept'));
    await sink.flush();
    expect(written).toBe('kept');
  });

  it('can stop at the first error instead, so that the output has no gap', async () => {
    let full = true;
    let written = '';
    const write = async (bytes: Buffer) => {
      if (full) throw fault('ENOSPC');
      written += bytes;
      return bytes.length;
    };
    const sink = faked(write, { stopAtError: true });
    void sink.give(Buffer.from('lost'));
    await sink.flush();
    full = false;
    void sink.give(Buffer.from('too'));
    await sink.close();
    expect(written).toBe('');
  });

  it('accepts bytes before its file is open', async () => {
    const path = join(temporaryFolder(), 'file');
    const sink = new ByteSink(
      setTimeout(20).then(() => fs.openSync(path, 'w')),
      { owned: true },
    );
    void sink.give(Buffer.from('early'));
    await sink.close();
    expect(fs.readFileSync(path, 'utf8')).toBe('early');
  });

  it('reports when its file cannot be opened, and blocks no caller', async () => {
    const errors: unknown[] = [];
    const sink = new ByteSink(Promise.reject(fault('EACCES')), { owned: true, highWater: 1, onError: error => errors.push(error) });
    await sink.give(Buffer.from('never'));
    await sink.close();
    expect(errors).toEqual([expect.objectContaining({ code: 'EACCES' })]);
  });

  it('closes its descriptor only if it owns it', async () => {
    const path = join(temporaryFolder(), 'file');
    const fd = fs.openSync(path, 'w');
    onTestFinished(() => expect(() => fs.fstatSync(fd)).toThrow('EBADF'));
    await new ByteSink(fd).close();
    expect(fs.fstatSync(fd).isFile()).toBe(true);
    await new ByteSink(fd, { owned: true }).close();
  });

  it('accepts nothing after it was closed', async () => {
    const path = join(temporaryFolder(), 'file');
    const sink = new ByteSink(fs.openSync(path, 'w'));
    void sink.give(Buffer.from('before'));
    await sink.close();
    void sink.give(Buffer.from('after'));
    await sink.flush();
    expect(fs.readFileSync(path, 'utf8')).toBe('before');
  });
});
