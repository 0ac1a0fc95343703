import { describe, expect, it } from 'vitest';
import { startNode } from '../support/background.js';
import { deafReader } from '../support/deaf-reader.js';
import { temporaryFolder } from '../support/temporary.js';

const LEAVE = new URL('../../dist/system/leave.js', import.meta.url).href;

describe('exiting at once', () => {
  it('does not wait for a thread that writes to a pipe which is not read', async () => {
    const folder = temporaryFolder();
    const program = `
      import fs from 'node:fs';
      import { leaveAtOnce } from '${LEAVE}';
      fs.write(1, Buffer.alloc(1_000_000), () => undefined);
      setTimeout(() => leaveAtOnce(7), 200);`;
    const process = startNode(['--input-type=module', '--eval', program], {
      cwd: folder,
      stdout: deafReader(folder),
      stderr: `${folder}/stderr`,
    });
    expect(await process.within(15_000)).toEqual({ status: 7, signal: null });
  });
});
