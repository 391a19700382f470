import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { resultPaths } from '../../../bench/report/results.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

test('results are files of the folder results, named after the run', () => {
  const paths = Object.values(resultPaths('submit')).map((path) => relative(ROOT, path));
  expect(paths).toEqual([
    'test/bench/results/submit.json',
    'test/bench/results/submit-facts.json',
    'test/bench/results/submit.svg',
  ]);
});
