import { expect, it } from 'vitest';
import { createSealedFloor } from '../../../../services/score/audit/sealed-floor.ts';

/** What a look is told to begin at, when all below a thousand times its number has been sealed by its end. */
function look(floor: ReturnType<typeof createSealedFloor>, times: number): (bigint | undefined)[] {
  return Array.from({ length: times }, (_, at) => {
    const from = floor.next();
    floor.sawSealedBelow(BigInt(at * 1000));
    return from;
  });
}

it('begins where all was sealed ten searches ago, and at the first batch until then', () => {
  const from = look(createSealedFloor(), 15);
  expect(from.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => undefined));
  expect(from.slice(10)).toEqual([0n, 1000n, 2000n, 3000n, 4000n]);
});

it('searches all batches once a minute, and from the floor again after that', () => {
  const from = look(createSealedFloor(), 130);
  expect(from.flatMap((each, at) => (each === undefined && at >= 10 ? [at] : []))).toEqual([60, 120]);
  expect(from[61]).toBe(51_000n);
});

it('does not rise while a batch below is not sealed', () => {
  const floor = createSealedFloor();
  for (let at = 0; at < 30; at += 1) {
    floor.next();
    floor.sawSealedBelow(5000n);
  }
  expect(floor.next()).toBe(5000n);
});

it('searches all batches as long as one below the floor is not sealed', () => {
  const floor = createSealedFloor();
  look(floor, 15);
  floor.sawSealedBelow(1000n);
  for (let at = 0; at < 9; at += 1) {
    expect(floor.next()).toBeUndefined();
    floor.sawSealedBelow(1000n);
  }
  expect(floor.next()).toBe(1000n);
});

it('searches all batches again after such a search failed', () => {
  const floor = createSealedFloor();
  look(floor, 60);
  expect(floor.next()).toBeUndefined();
  // Nothing was told of it.
  expect(floor.next()).toBeUndefined();
  floor.sawSealedBelow(70_000n);
  expect(floor.next()).toBe(51_000n);
});
