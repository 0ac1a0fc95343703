import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Real NFS between virtual machines: minutes, not seconds. Run by `npm run test:nfs`, never by `npm test`. */
export default defineConfig({
  test: {
    root,
    include: ['test/nfs/**/*.nfs.test.ts'],
    // Two cores cannot carry more than three emulated machines.
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 360_000,
    // Figures are printed as they come.
    disableConsoleIntercept: true,
    reporters: ['verbose', './test/support/closing-line.ts'],
  },
});
