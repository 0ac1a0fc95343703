import { describe, expect, it } from 'vitest';
import { specFor } from '../../../src/execute/container/spec.js';
import { NO_CONTAINER_NEEDS } from '../../../src/job/container.js';
import { taskOf } from '../../support/task.js';

const AROUND = { directory: '/here', user: '7:8', groups: ['9'], environment: { OWN: '1' }, engine: { NCPU: 2 } };

function spec(command: string, share = {}, environment = {}) {
  const task = taskOf(command, { share: { needs: {}, gpus: [], ...share }, environment });
  const needs = { ...(task.job.directives.container ?? NO_CONTAINER_NEEDS), image: 'i' };
  return specFor(task, needs, { label: 'x' }, AROUND);
}

describe('the container of a job', () => {
  it('gets the GPUs of its share by id, and no variable that counts them', () => {
    const { HostConfig, Env } = spec('train', { gpus: ['GPU-1', 'MIG-2'] }, { CUDA_VISIBLE_DEVICES: 'GPU-1,MIG-2', RUNMAKER_JOB: '3' });
    expect(HostConfig.DeviceRequests).toEqual([{ Driver: '', DeviceIDs: ['GPU-1', 'MIG-2'], Capabilities: [['gpu']] }]);
    expect(Env).toEqual(['TINI_KILL_PROCESS_GROUP=1', 'RUNMAKER_JOB=3']);
    expect(spec('true').HostConfig).not.toHaveProperty('DeviceRequests');
  });

  it('gets no more CPUs than the engine has, and no swap', () => {
    expect(spec('true', { needs: { cpus: 16, mem: 1e9 } }).HostConfig).toMatchObject({ NanoCpus: 2e9, Memory: 1e9, MemorySwap: 1e9 });
    expect(spec('true').HostConfig).not.toHaveProperty('NanoCpus');
  });

  it('runs as the user of the runner, in the job’s folder', () => {
    const { User, WorkingDir, HostConfig } = spec('true');
    expect({ User, WorkingDir }).toEqual({ User: '7:8', WorkingDir: '/here' });
    expect(HostConfig).toMatchObject({ GroupAdd: ['9'], Init: true, SecurityOpt: ['no-new-privileges:true'] });
  });

  it('mounts paths as folders, relative to the job’s folder, and names as volumes', () => {
    expect(spec('true #: volume=/a:/1 volume=./b:/2:ro volume=c:/3 volume=..:/4').HostConfig.Mounts).toEqual([
      { Type: 'bind', Source: '/here', Target: '/here', ReadOnly: false },
      { Type: 'bind', Source: '/a', Target: '/1', ReadOnly: false },
      { Type: 'bind', Source: '/here/./b', Target: '/2', ReadOnly: true },
      { Type: 'volume', Source: 'c', Target: '/3', ReadOnly: false },
      { Type: 'bind', Source: '/here/..', Target: '/4', ReadOnly: false },
    ]);
  });
});
