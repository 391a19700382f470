import { defineConfig } from 'vitest/config';

/** One project per kind of test. Servers are heavy on two cores, so their files run two at a time. */
const project = (name: string, options: { testTimeout: number; maxWorkers?: number }) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    pool: 'forks' as const,
    hookTimeout: 60_000,
    ...options,
  },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', { testTimeout: 10_000 }),
      project('integration', { testTimeout: 60_000, maxWorkers: 2 }),
      project('fault', { testTimeout: 180_000, maxWorkers: 1 }),
      project('browser', { testTimeout: 60_000, maxWorkers: 1 }),
    ],
  },
});
