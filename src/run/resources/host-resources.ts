import { usableCpus, usableGpus, usableMemory } from '../../system/host.js';
import { Resources } from './resources.js';

/** What a runner may give its jobs: what was asked for, and for the rest all that this process may use. */
export function hostResources(asked: { cpus?: number | undefined; mem?: number | undefined; gpus?: number | undefined } = {}): Resources {
  const gpus = usableGpus(process.env);
  // More GPUs than are seen: the numbers go on, as CUDA counts them.
  const ids = asked.gpus === undefined ? gpus : Array.from({ length: asked.gpus }, (_, at) => gpus[at] ?? String(at));
  return new Resources({ cpus: asked.cpus ?? usableCpus(), mem: asked.mem ?? usableMemory() }, ids);
}
