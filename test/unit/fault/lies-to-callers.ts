/** Lies to viewers and callers: I11 to I20. */
import { addAction, FINAL, first, type Lie, quiet } from './lies.ts';
import {
  board,
  exited,
  faulted,
  invoked,
  NS_PER_MS,
  opened,
  ranked,
  refused,
  repeated,
  sampled,
  submitted,
} from './record-events.ts';
import { BURST } from './record-fixture.ts';

export const LIES_TO_CALLERS: readonly Lie[] = [
  [
    'frames that go back',
    'I11',
    ({ frames }) => {
      const last = frames.at(-1);
      const older = frames.at(-2);
      if (last?.kind === 'board' && older?.kind === 'board')
        frames.push({ ...older, monoNs: 900 * NS_PER_MS });
      frames.push(board('viewer', 1, 70, FINAL, { ms: 901 }));
    },
  ],
  [
    'a frame that is repeated',
    'I11',
    ({ frames }) => {
      const last = frames.at(-1);
      if (last !== undefined) frames.push({ ...last, monoNs: 900 * NS_PER_MS });
    },
  ],
  [
    'an epoch that begins with an update',
    'I11',
    ({ frames }) => frames.push(board('viewer', 2, 1, FINAL, { ms: 900 })),
  ],
  [
    'a personal frame with a board of its own',
    'I11',
    ({ frames }) =>
      frames.push({
        ...board('viewer', 1, 90, FINAL, { ms: 900 }),
        personal: { userId: 'ada', score: 9, version: 2 },
      }),
  ],
  [
    'a score on a screen that never was',
    'I12',
    ({ frames }) =>
      frames.push(
        board('viewer', 1, 60, [{ userId: 'ada', score: 11 }, ...FINAL.slice(1)], { ms: 900 }),
        board('viewer', 2, 1, FINAL, { ms: 910, isSnapshot: true }),
      ),
  ],
  [
    'one position with two boards',
    'I12',
    ({ frames }) =>
      frames.push(
        opened('other', 0),
        board('other', 1, 5, FINAL.slice(0, 2), { ms: 361, isSnapshot: true }),
        board('other', 1, 6, FINAL, { ms: 370 }),
      ),
  ],
  [
    'a score on a screen before it was submitted',
    'I12',
    ({ frames }) =>
      frames.push(
        opened('other', 0),
        board(
          'other',
          1,
          3,
          [
            { userId: 'bob', score: 7 },
            { userId: 'ada', score: 5 },
          ],
          { ms: 100, isSnapshot: true },
        ),
        board('other', 1, 6, FINAL, { ms: 370 }),
      ),
  ],
  [
    'a change that is on no screen',
    'I13',
    (run) => {
      run.history.push(...submitted({ ...quiet, userId: 'cy', newScore: 12, version: 2 }));
      addAction(run, 'cy', 'z1', 3, 12, 2);
    },
  ],
  [
    'a change that is on no screen while the database is silent, and no word of that',
    'I13',
    (run) => {
      run.history.push(...faulted('postgres', 'pause', 10_010, 30_000));
      run.history.push(...submitted({ ...quiet, userId: 'cy', newScore: 12, version: 2 }));
      addAction(run, 'cy', 'z1', 3, 12, 2);
      const entries = [{ userId: 'cy', score: 12 }, ...FINAL.filter(({ userId }) => userId !== 'cy')];
      run.frames.push(board('viewer', 1, 50, entries, { ms: 30_500 }));
    },
  ],
  [
    'changes that are late on every screen',
    'I13',
    (run) => {
      const monoNs = 3_000 * NS_PER_MS;
      run.frames = run.frames.map((event, at) => (at < 2 ? event : { ...event, monoNs: monoNs + at }));
    },
  ],
  [
    'a forged action that counts',
    'I14',
    (run) => {
      run.history.push(
        ...submitted({
          op: 90,
          userId: 'bob',
          actionId: 'x1',
          points: 0,
          ms: 800,
          newScore: 7,
          version: 3,
          credential: 'forged',
        }),
      );
      addAction(run, 'bob', 'x1', 0, 7, 3);
      for (const state of [...run.scores, ...run.members]) if (state.userId === 'bob') state.reached = 2001;
    },
  ],
  ['a row that nobody vouched for', 'I14', (run) => Object.assign(first(run.actions), { keyId: '' })],
  ['a good token that is refused', 'I15', ({ history }) => history.push(...refused(quiet, 'TOKEN_INVALID'))],
  ['a process that grows without bound', 'I16', ({ history }) => history.push(sampled(900, 600_000_000))],
  [
    'an answer after the deadline',
    'I17',
    ({ history }) =>
      history.push(
        ...submitted({
          op: 90,
          userId: 'bob',
          actionId: 'a5',
          points: 0,
          ms: 800,
          tookMs: 2_300,
          newScore: 7,
          version: 2,
        }),
      ),
  ],
  ['a call that never ends', 'I17', ({ history }) => history.push(invoked(quiet))],
  ['a process that ends by itself', 'I17', ({ history }) => history.push(exited('score', 0, false))],
  [
    'a reader who gets less than it wrote',
    'I18',
    ({ history }) =>
      history.push(...ranked({ op: 90, userId: 'ada', minVersion: 2, ms: 800, version: 1, score: 5 })),
  ],
  [
    'a player who passes the rate limit in a moment',
    'I20',
    ({ history }) => history.push(...repeated(BURST + 2)),
  ],
  [
    'a player who passes it by more than a new life of the edge explains',
    'I20',
    ({ history }) => history.push(exited('edge', 2_010, true), ...repeated(2 * BURST + 2)),
  ],
  [
    'a good token that is refused while the clock of somebody else is off',
    'I15',
    ({ history }) =>
      history.push(...faulted('score', 'skew', 9_900, 10_100), ...refused(quiet, 'TOKEN_INVALID')),
  ],
];
