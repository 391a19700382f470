import { expect, it } from 'vitest';
import { createSeenPlayers } from '../../../../services/score/accept/seen-players.ts';

const ada = { leaderboard: 'global', userId: 'ada' };
const player = (n: number) => ({ leaderboard: 'global', userId: `player-${n}` });

it('knows a player by board', () => {
  const seen = createSeenPlayers();
  seen.add([ada]);
  expect(seen.has(ada)).toBe(true);
  expect(seen.has({ ...ada, leaderboard: 'weekly' })).toBe(false);
});

it('remembers a player until two halves of others were seen since, and no longer', () => {
  const seen = createSeenPlayers(3);
  seen.add([ada, player(1)]);
  seen.add([player(2)]);
  seen.add([player(3), player(4)]);
  expect(seen.has(ada)).toBe(true);
  seen.add([player(5)]);
  expect([ada, player(3), player(5)].map(seen.has)).toEqual([false, true, true]);
});
