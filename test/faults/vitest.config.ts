import { defineConfig } from 'vitest/config';
import { tags } from '../support/tags.js';

export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    tags,
    testTimeout: 30_000,
    // Limits of seconds are sometimes missed where other programs take the processor: on CI such a test is run once more, and says so.
    retry: process.env.CI ? 1 : 0,
    // Thousands of small files are removed after a test.
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default', './test/support/closing-line.ts'],
  },
});
