import { ANY_OTHER } from '../../job/needs.js';
import { usableGpus } from '../../system/gpus.js';
import { usableCpus, usableMemory } from '../../system/host.js';
import { Resources } from './resources.js';

/** Limits that a user has set. */
interface Asked {
  readonly cpus?: number | undefined;
  readonly mem?: number | undefined;
  readonly gpus?: number | undefined;
}

/** More than any job asks for, in amounts that can be counted. */
const PLENTY = { cpus: 1e9, mem: 2 ** 50, gpus: 1e9 };

/** What a runner may give jobs that run on other machines, which have a scheduler of their own: what was asked for, and the rest without limit. */
export function otherResources({ cpus = PLENTY.cpus, mem = PLENTY.mem, gpus = PLENTY.gpus }: Asked = {}): Resources {
  // Their scheduler knows what else there is, such as the types of its GPUs.
  return new Resources({ cpus, mem, gpus, [ANY_OTHER]: PLENTY.gpus }, []);
}

/** What a runner may give its jobs: what was asked for, and for the rest all that this process may use. */
export function hostResources(asked: Asked = {}): Resources {
  const gpus = usableGpus(process.env);
  // More GPUs than are seen: the numbers go on, as CUDA counts them.
  const ids = asked.gpus === undefined ? gpus : Array.from({ length: asked.gpus }, (_, at) => gpus[at] ?? { id: String(at), name: '' });
  return new Resources({ cpus: asked.cpus ?? usableCpus(), mem: asked.mem ?? usableMemory() }, ids);
}
