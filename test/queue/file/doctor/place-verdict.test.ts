import { expect, test } from 'vitest';
import { judgePlace } from '../../../../src/queue/file/doctor/place-verdict.js';

const place = { links: 1, isMounted: false, folder: '/data', folderMode: 0o40755 };

test.each([
  [{}, 'record', 'good'],
  [{}, 'directory', 'good'],
  [{ links: 2 }, 'directory', 'bad'],
  [{ isMounted: true }, 'directory', 'bad'],
  [{ links: 2 }, 'record', 'unsure'],
  [{ isMounted: true }, 'record', 'unsure'],
  [{ folderMode: 0o40777 }, 'record', 'unsure'],
  // As in /tmp: a file there can be replaced by its owner only.
  [{ folderMode: 0o41777 }, 'record', 'good'],
] as const)('a place like %j is, with locks by %s, %s', (what, locks, verdict) => {
  expect(judgePlace({ ...place, ...what }, locks)).toMatchObject({ what: 'place', verdict });
});
