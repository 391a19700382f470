import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_POINTS, pointsFor, TARGET_LIFETIME_MS } from '../../../../services/game/rounds/points.ts';

const reaction = fc.double({ min: 0, max: 2 * TARGET_LIFETIME_MS, noNaN: true });
const streak = fc.nat({ max: 20 });

describe('the points of a hit', () => {
  test('are a whole number from 1 to the maximum', () => {
    fc.assert(
      fc.property(reaction, streak, (ms, inRow) => {
        const points = pointsFor(ms, inRow);
        expect(Number.isInteger(points)).toBe(true);
        expect(points).toBeGreaterThanOrEqual(1);
        expect(points).toBeLessThanOrEqual(MAX_POINTS);
      }),
    );
  });

  test('are never fewer for a quicker reaction', () => {
    fc.assert(
      fc.property(reaction, reaction, streak, (one, other, inRow) => {
        const [quick, slow] = [Math.min(one, other), Math.max(one, other)];
        expect(pointsFor(quick, inRow)).toBeGreaterThanOrEqual(pointsFor(slow, inRow));
      }),
    );
  });

  test('are never fewer for a longer streak', () => {
    fc.assert(
      fc.property(reaction, streak, streak, (ms, one, other) => {
        expect(pointsFor(ms, Math.max(one, other))).toBeGreaterThanOrEqual(
          pointsFor(ms, Math.min(one, other)),
        );
      }),
    );
  });

  test('reach both ends', () => {
    expect(pointsFor(TARGET_LIFETIME_MS, 0)).toBe(1);
    expect(pointsFor(200, 0)).toBe(100);
    expect(pointsFor(200, 9)).toBe(MAX_POINTS);
  });

  test('are more for 300 ms than for 350 ms', () => {
    expect(pointsFor(300, 0)).toBeGreaterThan(pointsFor(350, 0));
  });
});
