import { expect, it } from 'vitest';
import { parseLsof } from '../../../../services/shared/files/open-files.ts';

it('reads from lsof which processes hold a file, and which of them may write it', () => {
  expect(parseLsof('p31\nf3\nar\np4711\nf3\nar\nf7\nau\np5\nf1\naw\n')).toEqual([
    { pid: 31, canWrite: false },
    { pid: 4711, canWrite: true },
    { pid: 5, canWrite: true },
  ]);
  expect(parseLsof('')).toEqual([]);
});
