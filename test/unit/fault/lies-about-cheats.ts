/** Lies about who cheats: I21. */
import { first, type Lie, quiet } from './lies.ts';
import { BOARD, refused } from './record-events.ts';
import type { Fixture } from './record-fixture.ts';

/** As if the run had been played under this rule all along. */
const ruled =
  (rule: Partial<Fixture['rules'][number]>) =>
  ({ rules }: Fixture) =>
    void rules.push({ leaderboard: BOARD, kind: '', ...rule });

export const LIES_ABOUT_CHEATS: readonly Lie[] = [
  ['an action that counts with more than its board allows', 'I21', ruled({ maxPoints: 8 })],
  ['an action of a kind that counts with more than it may', 'I21', ruled({ kind: 'a4', maxPoints: 8 })],
  ['actions that count sooner after each other than they may', 'I21', ruled({ minIntervalMs: 222 })],
  ['more actions that count than a window holds', 'I21', ruled({ window: { ms: 1_000, maxActions: 1 } })],
  [
    'an action that counts of a player in quarantine, who is flagged',
    'I21',
    ({ conducts, flags }) => {
      for (const each of conducts) if (each.userId === 'cy') each.conduct = 'quarantined';
      flags.push({ leaderboard: BOARD, userId: 'cy', reason: 'PLAYER_QUARANTINED' });
    },
  ],
  ['a cheat whom nobody flags', 'I21', ({ flags }) => void flags.pop()],
  [
    'a cheat who is flagged for something else',
    'I21',
    ({ flags }) => {
      first(flags).reason = 'TOO_SOON';
    },
  ],
  [
    'a player far ahead of all others whom nobody flags',
    'I21',
    ({ conducts }) => void conducts.push({ userId: 'max', conduct: 'far-ahead' }),
  ],
  [
    'an honest player whom a rule refuses',
    'I21',
    ({ history }) => history.push(...refused({ ...quiet, userId: 'ada' }, 'TOO_SOON')),
  ],
  [
    'an honest player who is flagged',
    'I21',
    ({ flags }) => flags.push({ leaderboard: BOARD, userId: 'ada', reason: 'RICH' }),
  ],
];
