/**
 * Types of GPUs among the needs of a job and the room of a host: `gpu=A100` needs `gpu:a100` as well as `gpus`, and a device counts under
 * each run of words of its name.
 */
const PREFIX = 'gpu:';

/** The name under which a type of GPUs is counted: `gpu:a100` for `A100`. */
export function gpuResource(type: string): string {
  return PREFIX + wordsOf(type).join('-');
}

/** The type that a resource counts, in small letters; undefined for other resources. */
export function gpuTypeOf(resource: string): string | undefined {
  return resource.startsWith(PREFIX) ? resource.slice(PREFIX.length) : undefined;
}

/** All names under which a device is counted: of an `NVIDIA A100-SXM4-80GB` those of `A100`, `A100-SXM4`, `NVIDIA A100`, … */
export function gpuResourcesOf(device: string): string[] {
  const words = wordsOf(device);
  return [
    ...new Set(words.flatMap((_, from) => words.slice(from).map((_, more) => PREFIX + words.slice(from, from + more + 1).join('-')))),
  ];
}

function wordsOf(name: string): string[] {
  return name.toLowerCase().match(/[\p{L}\p{N}.]+/gu) ?? [];
}
