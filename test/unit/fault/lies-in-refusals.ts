/** Lies in refusals: the part of I2 about what an action is refused for. */
import { type Lie, quiet } from './lies.ts';
import { refused } from './record-events.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const { points: _, ...later } = quiet;
/** Of ada, who has 9 points by two actions. */
const repeated = { ...later, userId: 'ada', actionId: 'a1', points: 5 };

export const LIES_IN_REFUSALS: readonly Lie[] = [
  [
    'a repeat that is refused for the largest total',
    'I2',
    ({ history }) => history.push(...refused(repeated, 'SCORE_LIMIT_REACHED')),
  ],
  [
    'a repeat that is refused as a conflict',
    'I2',
    ({ history }) => history.push(...refused(repeated, 'ACTION_CONFLICT')),
  ],
  [
    'a repeat that was refused before its first answer',
    'I2',
    ({ history }) => history.push(...refused({ ...repeated, ms: 1 }, 'SCORE_LIMIT_REACHED')),
  ],
  [
    'a repeat that a rule refuses',
    'I2',
    ({ history, conducts }) => {
      conducts.length = 0;
      history.push(...refused(repeated, 'TOO_SOON'));
    },
  ],
  [
    'a changed repeat that is refused for the largest total',
    'I2',
    ({ history }) => history.push(...refused({ ...repeated, points: MAX }, 'SCORE_LIMIT_REACHED')),
  ],
  [
    'a conflict with an action that does not count',
    'I2',
    ({ history }) => history.push(...refused(quiet, 'ACTION_CONFLICT')),
  ],
  [
    'a small action that is refused for a large one beside it',
    'I2',
    ({ history }) => {
      const large = { ...later, op: 91, userId: 'ada', actionId: 'b1', points: MAX };
      const small = { ...later, op: 92, userId: 'ada', actionId: 'b2', points: 1 };
      history.push(...[large, small].flatMap((call) => refused(call, 'SCORE_LIMIT_REACHED')));
    },
  ],
  [
    'an action that is refused although it fits to the last point',
    'I2',
    ({ history }) =>
      history.push(
        ...refused({ ...later, userId: 'ada', actionId: 'b1', points: MAX - 9 }, 'SCORE_LIMIT_REACHED'),
      ),
  ],
  [
    'an action that is refused for points that came later',
    'I2',
    ({ history }) =>
      history.push(
        ...refused(
          { ...later, ms: 0, userId: 'bob', actionId: 'b1', points: MAX - 6 },
          'SCORE_LIMIT_REACHED',
        ),
      ),
  ],
];
