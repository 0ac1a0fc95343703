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

/** More than any job asks for, in countable amounts. */
const PLENTY = { cpus: 1e9, mem: 2 ** 50, gpus: 1e9 };

/** Resources for jobs that run on other machines with a scheduler of their own: the amounts asked for, and the rest without limit. */
export function otherResources({ cpus = PLENTY.cpus, mem = PLENTY.mem, gpus = PLENTY.gpus }: Asked = {}): Resources {
  // The scheduler knows its other resources, such as types of GPUs.
  return new Resources({ cpus, mem, gpus, [ANY_OTHER]: PLENTY.gpus }, []);
}

/** Resources for jobs on this host: the amounts asked for, otherwise all that this process may use. */
export function hostResources(asked: Asked = {}): Resources {
  const gpus = usableGpus(process.env);
  // More GPUs than detected: numbering continues, as CUDA counts.
  const ids = asked.gpus === undefined ? gpus : Array.from({ length: asked.gpus }, (_, at) => gpus[at] ?? { id: String(at), name: '' });
  return new Resources({ cpus: asked.cpus ?? usableCpus(), mem: asked.mem ?? usableMemory() }, ids);
}
