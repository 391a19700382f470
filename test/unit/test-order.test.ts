/** The order of test files names files that exist: a file that moves has to be named at its new place. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { SLOWEST } from '../support/slowest-first.ts';

const TESTS = fileURLToPath(new URL('../', import.meta.url));

it.each(SLOWEST)('%s is a test file', (name) => {
  expect(existsSync(`${TESTS}${name}.test.ts`)).toBe(true);
});
