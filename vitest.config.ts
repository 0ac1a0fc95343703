import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Minutes of kills, edits and full disks: npm run test:faults. Minutes of virtual machines: npm run test:nfs.
    exclude: ['test/faults/**', 'test/nfs/**'],
    testTimeout: 30_000,
    // Thousands of small files are taken away after a test.
    hookTimeout: 60_000,
    // Two cores, and most end-to-end tests start several processes of their own.
    maxWorkers: 2,
    reporters: ['default', './test/support/left-out.ts', './test/support/closing-line.ts'],
  },
});
