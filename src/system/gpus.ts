import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { findProgram } from './find-program.js';

/** A GPU, or a part of one that counts as a device of its own (MIG). */
export interface Gpu {
  /** As CUDA_VISIBLE_DEVICES and container engines name it: a UUID where nvidia-smi tells it, else a number. */
  readonly id: string;
  /** `NVIDIA A100-SXM4-80GB`, with `MIG 1g.10gb` behind it for a part; empty where it is not known. */
  readonly name: string;
}

/** nvidia-smi wakes sleeping devices, which takes seconds; in ms. */
const PATIENCE = 20_000;

/**
 * The GPUs that this process may use: those of CUDA_VISIBLE_DEVICES if it is set, else all NVIDIA devices of the host. Numbers in the
 * variable are taken as nvidia-smi counts.
 */
export function usableGpus(environment: NodeJS.ProcessEnv): Gpu[] {
  const visible = environment.CUDA_VISIBLE_DEVICES;
  // What nobody may use is not asked for: that takes time.
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

/** By its number, its UUID, or as much of that as tells it from others, as CUDA takes it. */
function find(wanted: string, known: readonly Gpu[], devices: readonly ListedGpu[]): Gpu | undefined {
  const numbered = /^\d+$/.test(wanted) ? devices[Number(wanted)] : undefined;
  if (numbered) return { id: numbered.id, name: numbered.name };
  const found = known.filter(({ id }) => id === wanted || (/^(GPU|MIG)-/.test(wanted) && id.startsWith(wanted)));
  return found.find(({ id }) => id === wanted) ?? (found.length === 1 ? found[0] : undefined);
}

/** A device and the parts into which it is divided. */
export interface ListedGpu extends Gpu {
  readonly parts: readonly Gpu[];
}

/** Reads what `nvidia-smi -L` prints: a device a line, and its parts below it. */
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
    // Installed, and no driver is loaded: there are no devices.
    return '';
  }
}

function deviceFiles(): Gpu[] {
  return readdirSync('/dev')
    .flatMap(name => /^nvidia(\d+)$/.exec(name)?.[1] ?? [])
    .sort((a, b) => Number(a) - Number(b))
    .map(id => ({ id, name: '' }));
}
