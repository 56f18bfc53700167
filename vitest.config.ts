import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

const MINUTE = 60_000;

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'html', 'json-summary'],
      reportsDirectory: 'coverage',
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          environment: 'node',
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          // Real kernels share this machine's cores, and mostly wait: three files at a time, the tests of each one after another.
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          environment: 'node',
          pool: 'forks',
          maxWorkers: 3,
          fileParallelism: true,
          sequence: { concurrent: false },
          testTimeout: 20 * MINUTE,
          hookTimeout: 15 * MINUTE,
        },
      },
    ],
  },
});
