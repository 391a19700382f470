import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/support/slowest-first.ts';

/** Makes the Postgres cluster that tests copy. */
const globalSetup = 'test/support/servers/postgres-template.ts';

/**
 * Servers are heavy, and their tests mostly wait: three files at a time keep two cores busy. Projects of one group share
 * its workers; groups run one after the other, the quickest first.
 */
const WITH_SERVERS = { maxWorkers: 3, sequence: { groupOrder: 1 }, globalSetup };
/** They hold answers and screens to times that the product promises, so nothing else runs beside them. */
const ALONE = { maxWorkers: 1, globalSetup };

/** Limits only bound a hang: a busy machine takes several times as long as a quiet one. */
const HOOK_LIMIT_MS = 180_000;
const POLL_LIMIT_MS = 45_000;

/** One project for each kind of test. */
const project = (name: string, options: { testTimeout: number } & Record<string, unknown>) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    pool: 'forks' as const,
    hookTimeout: HOOK_LIMIT_MS,
    expect: { poll: { timeout: POLL_LIMIT_MS } },
    ...options,
  },
});

export default defineConfig({
  test: {
    sequence: { sequencer: SlowestFirst },
    projects: [
      project('unit', { testTimeout: 60_000, sequence: { groupOrder: 0 } }),
      project('integration', { testTimeout: 180_000, ...WITH_SERVERS }),
      project('browser', { testTimeout: 180_000, ...WITH_SERVERS }),
      project('simulation', { testTimeout: 180_000, ...WITH_SERVERS }),
      project('fault', { testTimeout: 180_000, ...ALONE, sequence: { groupOrder: 2 } }),
      // `npm test` leaves it out; the nightly workflow runs it.
      project('nightly', { testTimeout: 180_000, ...ALONE, sequence: { groupOrder: 3 } }),
    ].filter(({ test }) => existsSync(`test/${test.name}`)),
  },
});
