/** Lies about what was stored and where it stands: I1 to I10. */
import { adaOf, addAction, FINAL, type Lie, quiet } from './lies.ts';
import { board, projected, ranked, refused, submitted } from './record-events.ts';

export const LIES_IN_STORE: readonly Lie[] = [
  [
    'an acknowledged action that is nowhere',
    'I1',
    ({ history }) => history.push(...submitted({ ...quiet, leaderboard: 'weekly', newScore: 3, version: 1 })),
  ],
  [
    'a repeat that is answered with another score',
    'I2',
    ({ history }) =>
      history.push(
        ...submitted({ op: 90, userId: 'ada', actionId: 'a1', points: 5, ms: 800, newScore: 9, version: 1 }),
      ),
  ],
  [
    'a repeat that is answered with another version',
    'I2',
    ({ history }) =>
      history.push(
        ...submitted({ op: 90, userId: 'ada', actionId: 'a1', points: 5, ms: 800, newScore: 5, version: 2 }),
      ),
  ],
  [
    'a repeat with other points that is acknowledged',
    'I2',
    ({ history }) =>
      history.push(
        ...submitted({ op: 90, userId: 'ada', actionId: 'a1', points: 6, ms: 800, newScore: 5, version: 1 }),
      ),
  ],
  ['an action that counts twice', 'I2', (run) => addAction(run, 'bob', 'a2', 7, 14, 3)],
  ['an action that nobody submitted', 'I3', (run) => addAction(run, 'bob', 'x1', 2, 9, 3)],
  [
    'an action that counts although it was refused',
    'I3',
    (run) => {
      run.history.push(
        ...refused({ op: 90, userId: 'bob', actionId: 'x1', points: 2, ms: 800 }, 'STORE_UNAVAILABLE'),
      );
      addAction(run, 'bob', 'x1', 2, 9, 3);
    },
  ],
  ['an event that never reached the index', 'I4', (run) => Object.assign(adaOf(run), { version: 1 })],
  [
    'a player that the index has never heard of',
    'I4',
    (run) => {
      run.members = run.members.filter(({ userId }) => userId !== 'bob');
    },
  ],
  [
    'a total that is more than its actions',
    'I5',
    (run) => {
      for (const state of [...run.scores, ...run.members]) if (state.userId === 'cy') state.points = 10;
      run.members.sort((a, b) => b.points - a.points);
      run.tops = [{ leaderboard: 'global', userIds: ['cy', 'ada', 'bob'] }];
      run.wireTop = [{ userId: 'cy', score: 10 }, ...run.wireTop.filter(({ userId }) => userId !== 'cy')];
    },
  ],
  [
    'versions with a gap',
    'I5',
    (run) => {
      run.history = run.history.filter(({ op, type }) => op !== 5 || type === 'invoke');
      const value = { reason: 'OUTCOME_UNKNOWN' };
      run.history.push({ proc: 'bob', op: 5, monoNs: 500e6, f: 'submit', type: 'info', value });
      for (const state of [...run.actions, ...run.scores, ...run.members])
        if (state.userId === 'bob' && state.version === 2) state.version = 3;
    },
  ],
  [
    'an index with a player who does not exist',
    'I6',
    (run) => run.members.push({ userId: 'ghost', points: 1, version: 1, reached: 9 }),
  ],
  [
    'an index with another score under the same version',
    'I6',
    (run) => {
      for (const member of run.members) if (member.userId === 'bob') member.points = 6;
    },
  ],
  [
    'an index that is ahead of the truth',
    'I6',
    (run) => {
      for (const member of run.members) if (member.userId === 'bob') member.version = 9;
    },
  ],
  [
    'an unversioned write that puts an old value back',
    'I7',
    ({ history }) => history.push(projected(800, 'r1', 'ada', 1)),
  ],
  [
    'a score that falls on later boards',
    'I7',
    ({ frames }) =>
      frames.push(
        board(
          'viewer',
          1,
          60,
          [
            { userId: 'cy', score: 9 },
            { userId: 'bob', score: 7 },
            { userId: 'ada', score: 5 },
          ],
          { ms: 900 },
        ),
        board('viewer', 1, 61, FINAL, { ms: 910 }),
      ),
  ],
  [
    'one version told with two scores',
    'I8',
    ({ history }) =>
      history.push(...ranked({ op: 90, userId: 'ada', minVersion: 0, ms: 800, version: 2, score: 8 })),
  ],
  [
    'a tie in the wrong order on the wire',
    'I9',
    (run) => run.wireTop.splice(0, 2, ...run.wireTop.slice(0, 2).reverse()),
  ],
  [
    'a tie in the wrong order in the index',
    'I9',
    (run) => run.members.splice(0, 2, ...run.members.slice(0, 2).reverse()),
  ],
  ['a tie in the wrong order in Postgres', 'I9', (run) => run.tops[0]?.userIds.reverse()],
  [
    'a tie in the wrong order on a screen',
    'I9',
    ({ frames }) =>
      frames.push(
        board(
          'viewer',
          1,
          60,
          [FINAL[1], FINAL[0], FINAL[2]].flatMap((entry) => entry ?? []),
          { ms: 900 },
        ),
      ),
  ],
  [
    'a place in a tie that belongs to another action',
    'I9',
    (run) => {
      for (const state of [...run.scores, ...run.members]) if (state.userId === 'ada') state.reached = 1;
    },
  ],
  ['a delivery that was left lying', 'I10', ({ outbox }) => outbox.push({ state: 'pending', ageMs: 61_000 })],
  ['a delivery given up that nobody counts', 'I10', ({ outbox }) => outbox.push({ state: 'dead', ageMs: 1 })],
];
