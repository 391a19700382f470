/** What the lies share: how a correct system would store one more action, and the board that all runs end with. */
import type { Invariant } from '../../fault/checker/check.ts';
import type { Fixture } from './record-fixture.ts';

/** A way in which a system may lie, and the one invariant that it breaks. */
export type Lie = readonly [lie: string, breaks: Invariant, change: (run: Fixture) => void];

/** Of the two players with 9 points ada reached them first. */
export const FINAL = [
  { userId: 'ada', score: 9 },
  { userId: 'cy', score: 9 },
  { userId: 'bob', score: 7 },
];
export const first = <Item>(items: readonly Item[]): Item => {
  const [item] = items;
  if (item === undefined) throw new Error('there is none');
  return item;
};
export const adaOf = (run: Fixture) => first(run.members.filter(({ userId }) => userId === 'ada'));

/** A call long after all others. */
export const quiet = { ms: 10_000, userId: 'zed', actionId: 'z1', points: 3, op: 90 };

/** Stores one more action everywhere, as a correct system would. */
export function addAction(
  run: Fixture,
  userId: string,
  actionId: string,
  points: number,
  total: number,
  version: number,
) {
  const position = 50_001;
  const row = { position, leaderboard: 'global', userId, actionId, points, scoreAfter: total, version };
  run.actions.push({ ...row, keyId: 'k1', caller: 'edge' });
  for (const state of [...run.scores, ...run.members].filter((each) => each.userId === userId)) {
    Object.assign(state, { points: total, version, reached: position });
  }
  run.members.sort((a, b) => b.points - a.points || a.reached - b.reached);
  run.tops = [{ leaderboard: 'global', userIds: run.members.map((member) => member.userId) }];
  run.wireTop = run.members.map((member) => ({ userId: member.userId, score: member.points }));
}
