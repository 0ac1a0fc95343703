import { chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Workbench } from '../support/bench.js';
import { runmaker } from '../support/programs.js';

const LIST = `GPU 0: Tesla T4 (UUID: GPU-aaaa)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb)
  MIG 3g.20gb     Device  0: (UUID: MIG-cccc)
`;

describe('jobs that request GPUs', () => {
  it('see only their own, chosen by type, and never share one at the same time', async () => {
    const hold = 'mkdir "$CUDA_VISIBLE_DEVICES" && sleep 0.2 && rmdir "$CUDA_VISIBLE_DEVICES" && echo "$CUDA_VISIBLE_DEVICES" >> seen';
    const lines = [`. ${hold} #: gpus=1`, `. ${hold} #: gpu=A100`, `. ${hold} #: gpu=a100`, `. ${hold} #: gpu=T4`, `. ${hold} #: gpu=H100`];
    const bench = new Workbench(`${lines.join('\n')}\n`);
    writeFileSync(bench.path('nvidia-smi'), `#!/bin/sh\n[ "$*" = -L ] && echo '${LIST}'\n`);
    chmodSync(bench.path('nvidia-smi'), 0o755);
    const PATH = `${bench.folder}:${process.env.PATH}`;
    const { stderr } = await runmaker(['-j5', bench.runs], { cwd: bench.folder, env: { PATH, CUDA_VISIBLE_DEVICES: undefined } });
    expect(bench.states).toBe('dddd.');
    expect(bench.lines('seen').sort()).toEqual(['GPU-aaaa', 'GPU-aaaa', 'MIG-cccc', 'MIG-cccc']);
    expect(stderr).toContain('line 5 needs gpus=1 gpu=h100, more than this host has');
  });
});
