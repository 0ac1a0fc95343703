import { expect, test } from 'vitest';
import { judgeMount } from '../../../../src/queue/file/doctor/mount-verdict.js';

const mount = (type: string, ...options: string[]) => ({ type, options, point: '/data', source: 'server:/export' });

test.each([
  ['ext4', [], 'good'],
  ['tmpfs', [], 'good'],
  ['nfs4', ['vers=4.2', 'local_lock=none'], 'good'],
  ['nfs', ['vers=3', 'local_lock=none'], 'good'],
  // flock(2) locks that stay on one host do no harm: fcntl locks are used.
  ['nfs', ['vers=3', 'local_lock=flock'], 'good'],
  ['nfs', ['vers=3', 'nolock', 'local_lock=all'], 'bad'],
  ['nfs', ['vers=3', 'local_lock=posix'], 'bad'],
  ['nfs4', ['local_lock=all'], 'bad'],
  ['lustre', ['flock'], 'good'],
  ['lustre', [], 'bad'],
  ['lustre', ['localflock'], 'bad'],
  ['fuse.sshfs', [], 'bad'],
  ['fuse.glusterfs', [], 'unsure'],
  ['cifs', ['nobrl'], 'bad'],
  ['cifs', [], 'unsure'],
  ['9p', [], 'unsure'],
  ['overlay', [], 'unsure'],
  ['ceph', [], 'unsure'],
] as const)('%s mounted with %j is %s', (type, options, verdict) => {
  expect(judgeMount(mount(type, ...options))).toMatchObject({ what: 'filesystem', verdict });
});

test('what is wrong is named, and where', () => {
  expect(judgeMount(mount('nfs', 'vers=3', 'nolock')).detail).toBe(
    'nfs (server:/export on /data, vers=3,nolock): mounted with nolock, so every host is granted every lock; mount it without',
  );
});
