import { createRequire } from 'node:module';

type Koffi = typeof import('koffi').default;

let loaded: Koffi | null | undefined;

/** koffi, which calls C functions; undefined where it has no binary for this host. Loaded when it is first needed. */
export function loadKoffi(): Koffi | undefined {
  if (loaded === undefined) {
    try {
      loaded = createRequire(import.meta.url)('koffi') as Koffi;
    } catch {
      loaded = null;
    }
  }
  return loaded ?? undefined;
}
