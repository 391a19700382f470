import { expect, it } from 'vitest';
import { createStandOuts, MIN_CROWD, SPAN_MS } from '../../../../services/score/limits/stand-outs.ts';
import type { PlayerState } from '../../../../services/shared/values/board.ts';

const state = (userId: string, version: number, points: number): PlayerState => ({
  ...{ leaderboard: 'global', userId, username: userId, reached: 1n },
  version: BigInt(version),
  points: BigInt(points),
});

interface Gain {
  readonly actions: number;
  readonly points: number;
}

/** The flags of a span in which each player of a crowd gains this much, and one player something else. */
function standOuts(crowd: number, usual: Gain, cheat: Gain): string[] {
  let nowMs = 0;
  const watch = createStandOuts(() => nowMs);
  const players = Array.from({ length: crowd }, (_, n) => [`player-${n}`, usual] as const);
  const all = [...players, ['cheat', cheat] as const];
  watch.note(all.map(([userId]) => state(userId, 100, 1_000)));
  expect(watch.look()).toEqual([]);
  watch.note(all.map(([userId, gain]) => state(userId, 100 + gain.actions, 1_000 + gain.points)));
  nowMs = SPAN_MS;
  return watch.look().map(({ userId, reason }) => `${userId} ${reason}`);
}

it('are those ten times ahead of the median, by actions or by points', () => {
  const usual = { actions: 10, points: 100 };
  expect(standOuts(40, usual, { actions: 100, points: 100 })).toEqual(['cheat FAST']);
  expect(standOuts(40, usual, { actions: 20, points: 1_000 })).toEqual(['cheat RICH']);
  expect(standOuts(40, usual, { actions: 100, points: 1_000 })).toEqual(['cheat FAST', 'cheat RICH']);
});

it('are none just below that', () => {
  expect(standOuts(40, { actions: 10, points: 100 }, { actions: 99, points: 999 })).toEqual([]);
});

it('are none where all are fast, where few play, and of a handful of actions', () => {
  expect(standOuts(40, { actions: 900, points: 9_000 }, { actions: 1_800, points: 18_000 })).toEqual([]);
  expect(standOuts(MIN_CROWD - 2, { actions: 1, points: 1 }, { actions: 900, points: 9_000 })).toEqual([]);
  expect(standOuts(40, { actions: 1, points: 1 }, { actions: 19, points: 5_000 })).toEqual([]);
});

it('are found in each span by the gains in this span alone', () => {
  let nowMs = 0;
  const watch = createStandOuts(() => nowMs);
  const players = Array.from({ length: 30 }, (_, n) => `player-${n}`);
  const lap = (version: number) => watch.note(players.map((userId) => state(userId, version, version)));
  lap(1);
  watch.note([state('cheat', 1, 1)]);
  watch.look();
  lap(3);
  watch.note([state('cheat', 500, 500)]);
  nowMs = SPAN_MS;
  expect(watch.look().map(({ userId }) => userId)).toEqual(['cheat', 'cheat']);
  lap(4);
  watch.note([state('cheat', 501, 501)]);
  watch.look();
  lap(6);
  watch.note([state('cheat', 503, 503)]);
  nowMs = 2 * SPAN_MS;
  expect(watch.look()).toEqual([]);
});
