import { gpuTypeOf } from '../../job/gpu-type.js';
import type { Job } from '../../job/job.js';

const MEBIBYTE = 1024 ** 2;

/**
 * A job's requests to Slurm, as arguments of sbatch: `cpus=` as --cpus-per-task (whole ones), `mem=` as --mem (whole MiB), `gpus=` and
 * `gpu=` as --gpus, the time limit as --time. Slurm rounds a time limit up to whole minutes.
 * @param timeout ms
 */
export function requestOf({ directives: { needs } }: Job, timeout: number | undefined): string[] {
  const { cpus = 0, mem = 0, gpus = 0 } = needs;
  const type = Object.keys(needs).flatMap(name => gpuTypeOf(name) ?? [])[0];
  return [
    ...(cpus > 0 ? [`--cpus-per-task=${Math.ceil(cpus)}`] : []),
    ...(mem > 0 ? [`--mem=${Math.ceil(mem / MEBIBYTE)}M`] : []),
    ...(gpus > 0 ? [`--gpus=${type ? `${type}:` : ''}${gpus}`] : []),
    ...(timeout !== undefined ? [`--time=${limitText(timeout)}`] : []),
  ];
}

/** `minutes:seconds`, rounded up to whole seconds. */
function limitText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
