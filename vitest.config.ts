import { defineConfig } from 'vitest/config';
import { tags } from './test/support/tags.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Minutes of kills, edits and full disks: npm run test:faults. Minutes of virtual machines: npm run test:nfs.
    exclude: ['test/faults/**', 'test/nfs/**'],
    tags,
    testTimeout: 30_000,
    // Limits of seconds are sometimes missed where other programs take the processor: on CI such a test is run once more, and says so.
    retry: process.env.CI ? 1 : 0,
    // Thousands of small files are taken away after a test.
    hookTimeout: 60_000,
    // Most tests wait most of the time, for processes, timers and other hosts: two cores are enough for more than two files at a time.
    maxWorkers: 5,
    reporters: ['default', './test/support/left-out.ts', './test/support/closing-line.ts'],
  },
});
