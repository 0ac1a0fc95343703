import { describe, expect, test } from 'vitest';
import { RunmakerError } from '../../../src/errors.js';
import { patiently } from '../../../src/queue/file/patience.js';

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Fails so many times with an error, then returns "done". Counts its calls. */
function failing(times: number, error: Error) {
  const work = async (): Promise<string> => {
    work.calls++;
    if (work.calls <= times) throw error;
    return 'done';
  };
  work.calls = 0;
  return work;
}

describe('what fails for a reason that passes', () => {
  test.each(['EIO', 'ESTALE', 'ENOLCK', 'ETIMEDOUT', 'EHOSTUNREACH'])('%s: is tried again', async code => {
    const work = failing(3, failure(code));
    expect(await patiently(10_000, work)).toBe('done');
    expect(work.calls).toBe(4);
  });

  test('is recognised behind an explanation', async () => {
    const work = failing(1, new RunmakerError('queue', 'gone', { cause: failure('ESTALE') }));
    expect(await patiently(10_000, work)).toBe('done');
  });

  test('is reported when patience is at its end', async () => {
    const begin = performance.now();
    await expect(patiently(200, failing(1000, failure('EIO')))).rejects.toThrow('EIO');
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  test('is tried until the very end of the patience, not until the next pause would pass it', async () => {
    const began = performance.now();
    const work = async (): Promise<string> => {
      if (performance.now() - began < 1800) throw failure('ENOENT');
      return 'done';
    };
    expect(await patiently(0, work, { wasThere: true })).toBe('done');
  });

  test('is reported at once without patience', async () => {
    const work = failing(1, failure('EIO'));
    await expect(patiently(0, work)).rejects.toThrow('EIO');
    expect(work.calls).toBe(1);
  });

  test('is waited for no longer once the wait is called off', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    await expect(patiently(60_000, failing(1000, failure('EIO')), { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

test('a file that is missing for the moment in which an editor replaces it is waited for, and no longer', async () => {
  expect(await patiently(60_000, failing(2, failure('ENOENT')))).toBe('done');
  const begin = performance.now();
  await expect(patiently(60_000, failing(1000, failure('ENOENT')))).rejects.toThrow('ENOENT');
  expect(performance.now() - begin).toBeLessThan(4000);
});

test.each(['EACCES', 'EROFS', 'EBADF'])('%s does not pass: it is reported at once', async code => {
  const work = failing(1, failure(code));
  await expect(patiently(60_000, work)).rejects.toThrow(code);
  expect(work.calls).toBe(1);
});
