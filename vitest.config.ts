import { defineConfig } from 'vitest/config';
import { labsAtOnce } from './test/labs-at-once.ts';
import { LongestFirst } from './test/longest-first.ts';

const MINUTE = 60_000;

/** Real kernels share this machine's cores: a few files at a time, the tests of each one after another. */
const KERNELS = {
  environment: 'node',
  pool: 'forks',
  // Unit tests have no use for the answer.
  maxWorkers: process.argv.includes('unit') ? 3 : await labsAtOnce(),
  fileParallelism: true,
  sequence: { concurrent: false },
  // Nets for what hangs: a busy machine may take ten times what a quiet one does.
  testTimeout: 40 * MINUTE,
  hookTimeout: 30 * MINUTE,
} as const;

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
          maxWorkers: '100%',
          // A net for what hangs, not a claim about speed: some take seconds by themselves, and other work may have the cores.
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      { test: { name: 'lab', include: ['test/lab/**/*.test.ts'], globalSetup: 'test/lab/images.ts', ...KERNELS } },
      // What takes long: see docs/testing.md for which files belong to which part of the code.
      { test: { name: 'soak', include: ['test/soak/**/*.test.ts'], globalSetup: 'test/lab/images.ts', ...KERNELS } },
    ],
  },
});
