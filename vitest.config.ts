import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/e2e/longestFirst.js';

// One process runs many files, since most are over before a new one would have read its modules.
const quick = {
  isolate: false,
  // Files share the processors: a deadline tells what hangs from what waits for its turn.
  testTimeout: 60_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 15_000 } },
};

const withServer = { ...quick, globalSetup: 'test/workflows/globalSetup.ts' };

export default defineConfig({
  test: {
    // Many tests wait for a process or a server while another one could run.
    maxWorkers: Math.max(4, availableParallelism()),
    slowTestThreshold: 5000,
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...quick, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { test: { ...withServer, name: 'workflows', include: ['test/workflows/**/*.test.ts'] } },
      { test: { ...withServer, name: 'processes', include: ['test/processes/**/*.test.ts'] } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 2_400_000,
          hookTimeout: 2_400_000,
          // A disposable host has one processor.
          maxWorkers: Math.min(2, availableParallelism()),
          sequence: { concurrent: false },
        },
      },
    ],
  },
});
