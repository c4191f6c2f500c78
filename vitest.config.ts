import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { test: { name: 'workflows', include: ['test/workflows/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000 } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 2_400_000,
          hookTimeout: 2_400_000,
          fileParallelism: false,
          sequence: { concurrent: false },
        },
      },
    ],
  },
});
