import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createShares } from '../../../../services/shared/net/shares.ts';

/** Takes as many places as there are for these holders, and says how many. */
function takeAll(shares: ReturnType<typeof createShares>, holders: readonly string[]): number {
  let count = 0;
  while (shares.take(holders) !== undefined) count += 1;
  return count;
}

describe('places of a node', () => {
  test('one holder gets half of them, and the next half of the rest', () => {
    const shares = createShares(100);
    expect([takeAll(shares, ['a']), takeAll(shares, ['b']), takeAll(shares, ['c'])]).toEqual([50, 25, 13]);
  });

  test('greedy ones leave room for a newcomer, and get more when others leave', () => {
    const shares = createShares(1_000);
    for (let index = 0; index < 9; index += 1) takeAll(shares, [`greedy-${index}`]);
    const giveBack = shares.take(['newcomer']);
    expect(giveBack).toBeDefined();
    expect(shares.take(['greedy-0'])).toBeUndefined();
  });

  test('a place in two names counts for both', () => {
    const shares = createShares(100);
    expect(takeAll(shares, ['player', 'address'])).toBe(50);
    expect(shares.take(['other player', 'address'])).toBeUndefined();
    expect(shares.take(['player', 'other address'])).toBeUndefined();
    expect(shares.take(['other player', 'other address'])).toBeDefined();
  });

  test('without a name only all together are bounded', () => {
    const shares = createShares(3);
    expect(takeAll(shares, [])).toBe(3);
    expect(shares.take(['a'])).toBeUndefined();
  });

  test('are given back once', () => {
    const shares = createShares(2);
    const giveBack = shares.take(['a']);
    shares.take([]);
    giveBack?.();
    giveBack?.();
    expect(shares.taken).toBe(1);
  });

  test('are never more than the limit, never more for one holder than are free, and all given back in the end', () => {
    const step = fc.record({ holder: fc.constantFrom('a', 'b', 'c', 'd'), giveBack: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 200 }), (places, steps) => {
        const shares = createShares(places);
        const held = new Map<string, (() => void)[]>();
        for (const { holder, giveBack } of steps) {
          const mine = held.get(holder) ?? [];
          held.set(holder, mine);
          const free = places - shares.taken;
          if (giveBack) mine.pop()?.();
          else {
            const place = shares.take([holder]);
            expect(place !== undefined).toBe(mine.length < free);
            if (place !== undefined) mine.push(place);
          }
          expect(shares.taken).toBe([...held.values()].flat().length);
          expect(shares.taken).toBeLessThanOrEqual(places);
        }
        for (const place of [...held.values()].flat()) place();
        expect(shares.taken).toBe(0);
      }),
    );
  });
});
