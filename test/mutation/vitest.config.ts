/** The tests that mutants are tried against: those without I/O, in one project, which is what Stryker understands. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/unit/{auth,edge,rank,score,shared}/**/*.test.ts'], testTimeout: 10_000 },
});
