import { describe, expect, test } from 'vitest';
import { Round } from '../../../../services/game/rounds/round.ts';
import { createRoundStore, ROUND_IDLE_LIMIT_MS } from '../../../../services/game/rounds/round-store.ts';

function openStore(maxRounds = 10) {
  const clock = { now: 0 };
  const monotonicMs = () => clock.now;
  const store = createRoundStore({ monotonicMs, maxRounds });
  const add = (userId: string, roundId: string, holders: readonly string[] = []) => {
    const round = new Round({ roundId, monotonicMs, random: () => 0 });
    store.add(userId, round, holders);
    return round;
  };
  return { clock, store, add };
}

const refusal = (reason: string) => expect.objectContaining({ reason });

describe('the rounds in memory', () => {
  test('are found by their player only, even if another player knows the id', () => {
    const { store, add } = openStore();
    const round = add('ann', 'r1');
    add('ben', 'r2');
    expect(store.find('ann', 'r1')).toBe(round);
    expect(() => store.find('ben', 'r1')).toThrow(refusal('ROUND_NOT_FOUND'));
    expect(() => store.find('cid', 'r1')).toThrow(refusal('ROUND_NOT_FOUND'));
    expect(() => store.find('ann', 'r9')).toThrow(refusal('ROUND_NOT_FOUND'));
  });

  test('are one per player: a new round ends the old one', () => {
    const { store, add } = openStore();
    add('ann', 'r1');
    const second = add('ann', 'r2');
    expect(store.size).toBe(1);
    expect(() => store.find('ann', 'r1')).toThrow(refusal('ROUND_NOT_FOUND'));
    expect(store.find('ann', 'r2')).toBe(second);
  });

  test('expire when they are not played', () => {
    const { store, add, clock } = openStore();
    add('ann', 'r1');
    clock.now += ROUND_IDLE_LIMIT_MS;
    store.find('ann', 'r1');
    clock.now += ROUND_IDLE_LIMIT_MS;
    store.find('ann', 'r1');
    clock.now += ROUND_IDLE_LIMIT_MS + 1;
    expect(() => store.find('ann', 'r1')).toThrow(refusal('ROUND_NOT_FOUND'));
    add('ben', 'r2');
    expect(store.size).toBe(1);
  });

  test('are limited: one more is refused until an idle one expires, and no player loses a round', () => {
    const { store, add, clock } = openStore(2);
    add('ann', 'r1');
    clock.now += 10;
    add('ben', 'r2');
    expect(() => add('cid', 'r3')).toThrow(refusal('OVERLOADED'));
    add('ann', 'r4');
    store.find('ben', 'r2');
    clock.now += ROUND_IDLE_LIMIT_MS + 1;
    add('cid', 'r3');
    expect(store.size).toBe(1);
  });

  test('are shared: an address with many players leaves room for other addresses', () => {
    const { store, add, clock } = openStore(10);
    const [greedy, other] = [['192.0.2.1'], ['192.0.2.2']];
    for (let index = 0; index < 5; index += 1) add(`g${index}`, `r${index}`, greedy);
    expect(() => add('g5', 'r5', greedy)).toThrow(refusal('OVERLOADED'));
    add('ann', 'r6', other);
    // A player's next round takes the place of the last.
    add('g0', 'r7', greedy);
    clock.now += ROUND_IDLE_LIMIT_MS + 1;
    add('g6', 'r8', greedy);
    expect(store.size).toBe(1);
  });
});
