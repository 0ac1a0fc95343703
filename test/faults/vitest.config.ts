import { defineConfig } from 'vitest/config';
import { tags } from '../support/tags.js';

export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    tags,
    testTimeout: 30_000,
    // Thousands of small files are removed after a test.
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default', './test/support/closing-line.ts'],
  },
});
