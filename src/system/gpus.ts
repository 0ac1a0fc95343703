import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { findProgram } from './find-program.js';

/** A GPU, or a partition of one that counts as a device of its own (MIG). */
export interface Gpu {
  /** Its name in CUDA_VISIBLE_DEVICES and for container engines: a UUID if nvidia-smi reports it, otherwise a number. */
  readonly id: string;
  /** `NVIDIA A100-SXM4-80GB`, followed by `MIG 1g.10gb` for a partition; empty if unknown. */
  readonly name: string;
}

/** In ms: nvidia-smi wakes sleeping devices, which takes seconds. */
const PATIENCE = 20_000;

/**
 * The GPUs that this process may use: those in CUDA_VISIBLE_DEVICES if it is set, otherwise all NVIDIA devices of the host. Numbers in the
 * variable follow nvidia-smi's order.
 */
export function usableGpus(environment: NodeJS.ProcessEnv): Gpu[] {
  const visible = environment.CUDA_VISIBLE_DEVICES;
  // Devices that this process may not use are not queried: that takes time.
  const wanted = visible
    ?.split(',')
    .map(id => id.trim())
    .filter(id => id !== '' && id !== '-1');
  if (wanted?.length === 0) return [];
  const devices = parseGpuList(askDriver(environment));
  const all = devices.length > 0 ? devices.flatMap(({ parts, ...whole }) => (parts.length > 0 ? parts : [whole])) : deviceFiles();
  if (wanted === undefined) return all;
  const known = devices.flatMap(({ parts, ...whole }) => [whole, ...parts]);
  return wanted.map(id => find(id, known, devices) ?? { id, name: '' });
}

/** By its number, its UUID, or a unique prefix of that, as CUDA does. */
function find(wanted: string, known: readonly Gpu[], devices: readonly ListedGpu[]): Gpu | undefined {
  const numbered = /^\d+$/.test(wanted) ? devices[Number(wanted)] : undefined;
  if (numbered) return { id: numbered.id, name: numbered.name };
  const found = known.filter(({ id }) => id === wanted || (/^(GPU|MIG)-/.test(wanted) && id.startsWith(wanted)));
  return found.find(({ id }) => id === wanted) ?? (found.length === 1 ? found[0] : undefined);
}

/** A device and its partitions. */
export interface ListedGpu extends Gpu {
  readonly parts: readonly Gpu[];
}

/** Reads the output of `nvidia-smi -L`: one device a line, its partitions below it. */
export function parseGpuList(text: string): ListedGpu[] {
  const devices: (Gpu & { readonly parts: Gpu[] })[] = [];
  for (const line of text.split('\n')) {
    const [, indent = '', name = '', id] = /^(\s*)(?:GPU \d+: )?(.*?)\s*(?:Device\s+\d+:\s*)?\(UUID: ([^)]+)\)\s*$/.exec(line) ?? [];
    if (id === undefined) continue;
    const whole = devices.at(-1);
    if (indent === '') devices.push({ id, name, parts: [] });
    else if (whole) whole.parts.push({ id, name: `${whole.name} ${name}` });
  }
  return devices;
}

function askDriver(environment: NodeJS.ProcessEnv): string {
  const program = findProgram('nvidia-smi', environment.PATH ?? '');
  if (program === undefined) return '';
  try {
    return execFileSync(program, ['-L'], { encoding: 'utf8', timeout: PATIENCE, stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    // Installed, but no driver is loaded: there are no devices.
    return '';
  }
}

function deviceFiles(): Gpu[] {
  return readdirSync('/dev')
    .flatMap(name => /^nvidia(\d+)$/.exec(name)?.[1] ?? [])
    .sort((a, b) => Number(a) - Number(b))
    .map(id => ({ id, name: '' }));
}
