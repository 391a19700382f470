import { expect, test } from 'vitest';
import { type Held, toHeld } from '../../../../services/rank/index/index-contents.ts';
import { driftOf } from '../../../../services/rank/reconcile/compare-index.ts';
import type { PlayerState } from '../../../../services/shared/values/board.ts';

const state = (version: bigint, change: Partial<PlayerState> = {}): PlayerState => ({
  ...{ leaderboard: 'global', userId: 'ada', username: 'Ada', points: 10n, reached: 1_000n, version },
  ...change,
});

const held = (of: PlayerState): Held | undefined =>
  toHeld(`${of.version}:${of.reached.toString(16).padStart(14, '0')}:${of.username}`, `-${of.points}`);

test.each<[string, Held | undefined, PlayerState | undefined, bigint, string | undefined]>([
  ['the same is no drift', held(state(3n)), state(3n), 3n, undefined],
  [
    'a name with a colon and a line break is the same',
    held(state(3n, { username: 'a:b\nc' })),
    state(3n, { username: 'a:b\nc' }),
    3n,
    undefined,
  ],
  ['not in the index', undefined, state(3n), 3n, 'missing'],
  ['behind what was long known', held(state(2n)), state(4n), 3n, 'behind'],
  ['behind by a write that may be under way', held(state(3n)), state(4n), 3n, undefined],
  ['ahead of what was ever committed', held(state(9n)), state(4n), 3n, 'ahead'],
  ['the right version with other points', held(state(3n, { points: 11n })), state(3n), 3n, 'corrupt'],
  ['the right version with another place', held(state(3n, { reached: 999n })), state(3n), 3n, 'corrupt'],
  ['the right version with another name', held(state(3n, { username: 'Eve' })), state(3n), 3n, 'corrupt'],
  ['without its place in the order', toHeld('3:000000000003e8:Ada', null), state(3n), 3n, 'corrupt'],
  ['unreadable', toHeld('nonsense', null), state(3n), 3n, 'corrupt'],
  ['unknown to the truth', held(state(1n)), undefined, 0n, 'stray'],
  ['unknown to both', undefined, undefined, 0n, undefined],
])('%s', (_, inIndex, truth, known, kind) => {
  expect(driftOf(inIndex, truth, known)).toBe(kind);
});

test('zero points and the largest score are read back exactly', () => {
  expect(toHeld('1:00000000000001:x', '-0')?.state?.points).toBe(0n);
  expect(toHeld('1:00000000000001:x', '-9007199254740991')?.state?.points).toBe(9_007_199_254_740_991n);
});
