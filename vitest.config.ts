import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** One project per kind of test. Servers are heavy on two cores, so their files run two at a time. */
const project = (
  name: string,
  options: { testTimeout: number; maxWorkers?: number; groupOrder: number },
) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    pool: 'forks' as const,
    hookTimeout: 60_000,
    testTimeout: options.testTimeout,
    ...(options.maxWorkers === undefined ? {} : { maxWorkers: options.maxWorkers }),
    // One kind after the other, the quickest first: a fault in the small shows before the large are started.
    sequence: { groupOrder: options.groupOrder },
  },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', { testTimeout: 10_000, groupOrder: 0 }),
      project('integration', { testTimeout: 60_000, maxWorkers: 2, groupOrder: 1 }),
      project('browser', { testTimeout: 60_000, maxWorkers: 1, groupOrder: 2 }),
      project('simulation', { testTimeout: 180_000, maxWorkers: 2, groupOrder: 3 }),
      project('fault', { testTimeout: 180_000, maxWorkers: 1, groupOrder: 4 }),
    ].filter(({ test }) => existsSync(`test/${test.name}`)),
  },
});
