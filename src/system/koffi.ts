import { createRequire } from 'node:module';
import { RunmakerError } from '../errors.js';

type Koffi = typeof import('koffi').default;

let loaded: Koffi | null | undefined;

/**
 * koffi, which calls C functions; undefined if it has no binary for this host. Loaded on first use.
 *
 * @throws RunmakerError `start` when the package is not installed: this does not depend on the host
 */
export function loadKoffi(): Koffi | undefined {
  if (loaded === undefined) {
    try {
      loaded = createRequire(import.meta.url)('koffi') as Koffi;
    } catch (error) {
      if (isMissing(error)) {
        throw new RunmakerError('start', 'the package koffi, which runmaker needs, is not installed', {
          hint: 'install runmaker anew, or run npm install in its folder',
          cause: error,
        });
      }
      loaded = null;
    }
  }
  return loaded ?? undefined;
}

/** A binary missing inside the package has the same code, but another message. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND' && /^Cannot find module 'koffi'/.test(error.message)
  );
}
