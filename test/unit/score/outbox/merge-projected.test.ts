import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeProjected, PLAYERS_PER_EVENT } from '../../../../services/score/outbox/merge-projected.ts';
import type { PlayerState, Projected } from '../../../../services/shared/values/board.ts';

const state = (userId: string, version: number): PlayerState => ({
  leaderboard: 'global',
  ...{ userId, username: userId, points: BigInt(version * 10), version: BigInt(version) },
  reached: BigInt(version),
});
const board = (seq: number) => ({ position: { epoch: 1n, seq: BigInt(seq) }, entries: [] });
const projected = (change: Partial<Projected> = {}): Projected => ({
  leaderboard: 'global',
  players: [state('ann', 1)],
  ranks: [1],
  board: undefined,
  position: { epoch: 1n, seq: 1n },
  complete: true,
  ...change,
});

test('one commit stays as it is', () => {
  const only = projected();
  expect(mergeProjected([only])).toEqual([only]);
});

test('a player who occurs twice has the newest state with its rank, whatever the order of the commits', () => {
  const older = projected({ players: [state('ann', 1), state('bob', 4)], ranks: [2, 1] });
  const newer = projected({ players: [state('ann', 2)], ranks: [3] });
  const [merged] = mergeProjected([newer, older]);
  expect(merged?.players).toEqual([state('ann', 2), state('bob', 4)]);
  expect(merged?.ranks).toEqual([3, 1]);
});

test('the newest board and position are kept, and a missing one loses', () => {
  const parts = [
    projected({ board: board(7), position: { epoch: 1n, seq: 7n } }),
    projected({ board: undefined, position: { epoch: 1n, seq: 9n } }),
    projected({ board: board(8), position: { epoch: 1n, seq: 8n } }),
    projected({ position: undefined }),
  ];
  expect(mergeProjected(parts)).toMatchObject([{ board: board(8), position: { epoch: 1n, seq: 9n } }]);
  const nextEpoch = { ...board(1), position: { epoch: 2n, seq: 1n } };
  expect(mergeProjected([...parts, projected({ board: nextEpoch })])).toMatchObject([{ board: nextEpoch }]);
});

test('boards stay apart, and so do commits without ranks', () => {
  const other = projected({ leaderboard: 'other' });
  const unknown = projected({ ranks: undefined });
  expect(mergeProjected([projected(), other, unknown])).toEqual([projected(), other, unknown]);
});

test('an event is complete when all of its commits are', () => {
  expect(mergeProjected([projected(), projected({ complete: false })])).toMatchObject([{ complete: false }]);
});

test('events together tell each player once at the newest version, and none has more players than fit', () => {
  const commit = fc.array(fc.record({ user: fc.nat(300), version: fc.integer({ min: 1, max: 1_000 }) }), {
    minLength: 1,
    maxLength: PLAYERS_PER_EVENT,
  });
  fc.assert(
    fc.property(fc.array(commit, { minLength: 1, maxLength: 6 }), (commits) => {
      const parts = commits.map((changes) => {
        const newest = new Map(changes.map(({ user, version }) => [user, state(`u${user}`, version)]));
        const players = [...newest.values()];
        return projected({ players, ranks: players.map(({ version }) => Number(version)) });
      });
      const told = new Map<string, bigint>();
      for (const { players, ranks } of mergeProjected(parts)) {
        expect(players.length).toBeLessThanOrEqual(PLAYERS_PER_EVENT);
        expect(ranks).toEqual(players.map(({ version }) => Number(version)));
        expect(new Set(players.map(({ userId }) => userId)).size).toBe(players.length);
        for (const { userId, version } of players) {
          if (version > (told.get(userId) ?? 0n)) told.set(userId, version);
        }
      }
      const expected = new Map<string, bigint>();
      for (const { userId, version } of parts.flatMap(({ players }) => players)) {
        if (version > (expected.get(userId) ?? 0n)) expected.set(userId, version);
      }
      expect(told).toEqual(expected);
    }),
  );
});
