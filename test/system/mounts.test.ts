import { describe, expect, test } from 'vitest';
import { findMount, mountOf } from '../../src/system/mounts.js';

const MOUNTS = [
  '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard',
  '30 22 0:26 / /data rw,relatime shared:2 - nfs4 server:/export rw,vers=4.2,local_lock=none,addr=10.0.0.1',
  '31 30 0:27 / /data/my\\040runs rw - fuse.sshfs alice:/home rw,user_id=0',
  '32 22 0:28 / /data2 rw - tmpfs none rw',
  '33 22 0:29 / /data2 ro master:7 - xfs /dev/vdb rw',
].join('\n');

describe('the mount of a file', () => {
  test('is the one with the longest path above it', () => {
    expect(findMount(MOUNTS, '/data/runs.txt')).toEqual({
      point: '/data',
      type: 'nfs4',
      source: 'server:/export',
      options: ['rw', 'relatime', 'rw', 'vers=4.2', 'local_lock=none', 'addr=10.0.0.1'],
    });
    expect(findMount(MOUNTS, '/database/runs.txt')?.type).toBe('ext4');
  });

  test('may have blanks in its path', () => {
    expect(findMount(MOUNTS, '/data/my runs/runs.txt')?.type).toBe('fuse.sshfs');
  });

  test('is the last of several at the same place', () => {
    expect(findMount(MOUNTS, '/data2/runs.txt')?.type).toBe('xfs');
  });

  test('is unknown where the kernel provides no list', async () => {
    expect(findMount('', '/data/runs.txt')).toBeUndefined();
    expect(await mountOf('/no/such/file')).toBeUndefined();
  });

  test('of this very file is found in the running kernel', async () => {
    expect(await mountOf(import.meta.filename)).toMatchObject({ point: expect.stringMatching(/^\//), type: expect.stringMatching(/./) });
  });
});
