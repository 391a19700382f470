/** One order of boards, and no zeros that mean "none" inside. */
import { describe, expect, test } from 'vitest';
import {
  isAfter,
  isSame,
  latest,
  positionFromWire,
  positionToWire,
} from '../../../../services/shared/values/position.ts';

const at = (epoch: number, seq: number) => ({ epoch: BigInt(epoch), seq: BigInt(seq) });

describe('the order of positions', () => {
  test('a greater seq is later within one epoch', () => {
    expect(isAfter(at(7, 2), at(7, 1))).toBe(true);
    expect(isAfter(at(7, 1), at(7, 2))).toBe(false);
    expect(isAfter(at(7, 1), at(7, 1))).toBe(false);
  });

  test('a greater epoch is later, whatever the seq', () => {
    expect(isAfter(at(8, 0), at(7, 99))).toBe(true);
    expect(isAfter(at(7, 99), at(8, 0))).toBe(false);
  });

  test('every position is later than none', () => {
    expect(isAfter(at(1, 0), undefined)).toBe(true);
    expect(isAfter(undefined, at(1, 0))).toBe(false);
    expect(isAfter<bigint>(undefined, undefined)).toBe(false);
  });

  test('numbers compare like bigints', () => {
    expect(isAfter({ epoch: 7, seq: 10 }, { epoch: 7, seq: 9 })).toBe(true);
  });

  test('two positions are the same when both parts are', () => {
    expect(isSame(at(7, 1), at(7, 1))).toBe(true);
    expect(isSame(at(7, 1), at(8, 1))).toBe(false);
    expect(isSame(at(7, 1), at(7, 2))).toBe(false);
    expect(isSame(at(7, 1), undefined)).toBe(false);
  });

  test('the later of two does not depend on their order', () => {
    expect(latest(at(7, 2), at(8, 1))).toEqual(at(8, 1));
    expect(latest(at(8, 1), at(7, 2))).toEqual(at(8, 1));
    expect(latest(undefined, at(7, 2))).toEqual(at(7, 2));
  });
});

describe('positions on the wire', () => {
  test('a position comes back as it was', () => {
    expect(positionFromWire(positionToWire(at(7, 0)))).toEqual(at(7, 0));
  });

  test('epoch 0 says that there is none', () => {
    expect(positionToWire(undefined)).toEqual(at(0, 0));
    expect(positionFromWire(at(0, 0))).toBeUndefined();
    expect(positionFromWire(undefined)).toBeUndefined();
  });
});
