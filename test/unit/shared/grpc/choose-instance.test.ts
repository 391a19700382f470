import fc from 'fast-check';
import { expect, test } from 'vitest';
import { standings } from '../../../../services/shared/grpc/client/instance.ts';
import { choose } from '../../../../services/shared/grpc/client/instances.ts';

const { connected, unknown, failing } = standings;
const at = (standing: number, outstanding: number) => ({ standing, outstanding });

test('the instance with the fewest requests under way is chosen', () => {
  expect(choose([at(connected, 3), at(connected, 1), at(connected, 2)], 0)).toBe(1);
});

test('equal instances take turns', () => {
  const idle = [at(connected, 0), at(connected, 0), at(connected, 0)];
  expect([0, 1, 2].map((from) => choose(idle, from))).toEqual([0, 1, 2]);
});

test('a connected instance is preferred to one that is not, and that to one that fails, however busy they are', () => {
  expect(choose([at(unknown, 0), at(connected, 9), at(failing, 0)], 2)).toBe(1);
  expect(choose([at(failing, 0), at(unknown, 9)], 0)).toBe(1);
});

test('when all fail, they still take requests', () => {
  expect(choose([at(failing, 1), at(failing, 0)], 0)).toBe(1);
});

test('no candidate is better than the chosen one, and no equal one comes earlier in turn', () => {
  const candidate = fc.record({
    standing: fc.constantFrom(connected, unknown, failing),
    outstanding: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(candidate, { minLength: 1, maxLength: 8 }), fc.nat(), (candidates, start) => {
      const from = start % candidates.length;
      const chosen = choose(candidates, from);
      const weight = (place: number) => {
        const { standing = 0, outstanding = 0 } = candidates[place] ?? {};
        return standing * 1_000 + outstanding;
      };
      const turn = (place: number) => (place - from + candidates.length) % candidates.length;
      for (const place of candidates.keys()) {
        expect(weight(chosen)).toBeLessThanOrEqual(weight(place));
        if (weight(place) === weight(chosen)) expect(turn(chosen)).toBeLessThanOrEqual(turn(place));
      }
    }),
  );
});
