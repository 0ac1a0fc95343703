import { describe, expect, it } from 'vitest';
import { gpuResource, gpuResourcesOf } from '../../../src/job/gpu-type.js';
import { fits } from '../../../src/job/needs.js';
import { otherResources } from '../../../src/run/resources/host-resources.js';
import { Resources } from '../../../src/run/resources/resources.js';

const typed = (type: string, gpus = 1) => ({ gpus, [gpuResource(type)]: gpus });
const host = () =>
  new Resources({ cpus: 8, mem: 1000 }, [
    { id: 't4', name: 'Tesla T4' },
    { id: 'a', name: 'NVIDIA A100-SXM4-80GB' },
    { id: 'b', name: 'NVIDIA A100-SXM4-80GB' },
  ]);

describe('GPUs by their types', () => {
  it('are matched by any sequence of words of their name, in any case', () => {
    expect(gpuResourcesOf('NVIDIA A100-SXM4')).toEqual([
      ...['gpu:nvidia', 'gpu:nvidia-a100', 'gpu:nvidia-a100-sxm4', 'gpu:a100', 'gpu:a100-sxm4', 'gpu:sxm4'],
    ]);
    expect(host().take(typed('A100'))?.gpus).toEqual(['a']);
    expect(host().take(typed('a100_sxm4', 2))?.gpus).toEqual(['a', 'b']);
    expect(host().take(typed('A10'))).toBeUndefined();
  });

  it('are counted under all of their names, whichever name a job used', () => {
    const resources = host();
    const first = resources.take({ gpus: 2 });
    expect(first?.gpus).toEqual(['t4', 'a']);
    expect(fits(typed('T4'), resources.free)).toBe(false);
    expect(fits(typed('A100'), resources.free)).toBe(true);
    expect(fits(typed('A100', 2), resources.free)).toBe(false);
    const second = resources.take(typed('A100'));
    expect(second?.gpus).toEqual(['b']);
    expect(fits({ gpus: 1 }, resources.free)).toBe(false);
    if (first) resources.give(first);
    if (second) resources.give(second);
    expect(resources.free).toEqual(resources.capacity);
  });

  it('are left to a scheduler with its own types', () => {
    expect(fits(typed('anything', 3), otherResources().capacity)).toBe(true);
  });
});
