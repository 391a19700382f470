import { expect, test } from 'vitest';
import { createRecentPlayers, SETTLED_AFTER_MS } from '../../../../services/rank/reconcile/recent-players.ts';
import type { PlayerState } from '../../../../services/shared/values/board.ts';

const player = (userId: string, version = 1n): PlayerState => ({
  ...{ leaderboard: 'global', userId, username: userId, points: 1n, reached: 1n, version },
});
const crowd = (size: number, name = 'p') => Array.from({ length: size }, (_, n) => player(`${name}${n}`));

function start() {
  const clock = { ms: 0 };
  return { clock, recent: createRecentPlayers(() => clock.ms) };
}

test('players are due once no projection of theirs can be under way, and then once only', () => {
  const { clock, recent } = start();
  recent.note([player('ada')]);
  clock.ms = SETTLED_AFTER_MS - 1;
  recent.note([player('bob')]);
  expect(recent.takeDue()).toEqual([]);
  clock.ms = SETTLED_AFTER_MS;
  expect(recent.takeDue().map(({ userId }) => userId)).toEqual(['ada']);
  expect(recent.takeDue()).toEqual([]);
});

test('a player who scored several times is taken once, with the newest version', () => {
  const { clock, recent } = start();
  for (const version of [1n, 2n, 3n]) recent.note([player('ada', version)]);
  clock.ms = SETTLED_AFTER_MS;
  expect(recent.takeDue()).toEqual([{ leaderboard: 'global', userId: 'ada', version: 3n }]);
});

test('one step is bounded, and scores that come faster than that leave memory bounded too', () => {
  const { clock, recent } = start();
  for (let batch = 0; batch < 1_000; batch += 1) recent.note(crowd(500, `b${batch}-`));
  clock.ms = SETTLED_AFTER_MS;
  expect(recent.takeDue()).toHaveLength(1_000);
  expect(recent.takeDue()).toHaveLength(0);
  recent.note([player('later')]);
  clock.ms = 2 * SETTLED_AFTER_MS;
  expect(recent.takeDue().map(({ userId }) => userId)).toEqual(['later']);
});

test('suspects are all looked at, step by step, and hold back more of them while they are many', () => {
  const { clock, recent } = start();
  for (let part = 0; part < 5; part += 1) recent.addSuspects(crowd(2_000, `s${part}-`));
  expect(recent.isFull()).toBe(true);
  clock.ms = SETTLED_AFTER_MS;
  let seen = 0;
  for (let due = recent.takeDue(); due.length > 0; due = recent.takeDue()) seen += due.length;
  expect(seen).toBe(10_000);
  expect(recent.isFull()).toBe(false);
});
