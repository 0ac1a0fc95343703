import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseGpuList, usableGpus } from '../../src/system/gpus.js';
import { temporaryFolder } from '../support/temporary.js';

/** The output of `nvidia-smi -L` on a host with one whole device and one that is divided. */
const LIST = `GPU 0: Tesla T4 (UUID: GPU-aaaa1111-0000-0000-0000-000000000000)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb2222-0000-0000-0000-000000000000)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.5gb      Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
`;
const [T4, WHOLE, LARGE, SMALL] = [...LIST.matchAll(/UUID: (.*)\)/g)].map(match => match[1] as string);

/** A stand-in for nvidia-smi, first on PATH. */
function driver(list: string, status = 0): NodeJS.ProcessEnv {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'list'), list);
  writeFileSync(join(folder, 'nvidia-smi'), `#!/bin/sh\n[ "$*" = -L ] && cat ${folder}/list\nexit ${status}\n`);
  chmodSync(join(folder, 'nvidia-smi'), 0o755);
  return { PATH: `${folder}:${process.env.PATH}` };
}

describe('the GPUs of a host', () => {
  it('are those that nvidia-smi lists, a divided one by its parts', () => {
    expect(usableGpus(driver(LIST))).toEqual([
      { id: T4, name: 'Tesla T4' },
      { id: LARGE, name: 'NVIDIA A100-SXM4-40GB MIG 3g.20gb' },
      { id: SMALL, name: 'NVIDIA A100-SXM4-40GB MIG 1g.5gb' },
    ]);
    expect(parseGpuList(LIST)[1]).toMatchObject({ id: WHOLE, name: 'NVIDIA A100-SXM4-40GB' });
  });

  it('are limited to those in CUDA_VISIBLE_DEVICES: by number, by UUID, or by a prefix of one', () => {
    const ids = (visible: string) => usableGpus({ ...driver(LIST), CUDA_VISIBLE_DEVICES: visible }).map(({ id }) => id);
    expect(ids('1,0')).toEqual([WHOLE, T4]);
    expect(ids(`${SMALL}`)).toEqual([SMALL]);
    expect(ids('GPU-aaaa')).toEqual([T4]);
    expect(ids('')).toEqual([]);
    expect(ids('-1')).toEqual([]);
  });

  it('are numbered where nvidia-smi is missing or fails', () => {
    expect(usableGpus({ PATH: '/nowhere', CUDA_VISIBLE_DEVICES: '3,2' })).toEqual([
      { id: '3', name: '' },
      { id: '2', name: '' },
    ]);
    expect(usableGpus({ ...driver('', 9), CUDA_VISIBLE_DEVICES: '0' })).toEqual([{ id: '0', name: '' }]);
  });
});
