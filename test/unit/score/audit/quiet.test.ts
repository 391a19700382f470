import { expect, it } from 'vitest';
import { createQuiet } from '../../../../services/score/audit/quiet.ts';

/** How many of so many looks searched. */
function searchesOf(quiet: ReturnType<typeof createQuiet>, looks: number, last: bigint | undefined): number {
  let searches = 0;
  for (let look = 0; look < looks; look += 1) {
    if (quiet.allowsRest(last)) continue;
    searches += 1;
    quiet.searched(0);
  }
  return searches;
}

it('rests after ten searches that found nothing, and then searches at each tenth look', () => {
  const quiet = createQuiet();
  expect(searchesOf(quiet, 10, undefined)).toBe(10);
  expect(searchesOf(quiet, 100, undefined)).toBe(10);
});

it.each([2_000n, 500n])(
  'searches again when the last position is another one, also a smaller one',
  (next) => {
    const quiet = createQuiet();
    searchesOf(quiet, 50, 1_000n);
    expect(quiet.allowsRest(next)).toBe(false);
    quiet.searched(0);
    expect(searchesOf(quiet, 9, next)).toBe(9);
    expect(quiet.allowsRest(next)).toBe(true);
  },
);

it('does not rest before all is sealed', () => {
  const quiet = createQuiet();
  for (let look = 0; look < 30; look += 1) {
    expect(quiet.allowsRest(1_000n)).toBe(false);
    quiet.searched(1);
  }
});
