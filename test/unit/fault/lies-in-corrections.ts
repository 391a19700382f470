/** Lies about corrections: each begins with a correction as a correct system makes it, and changes one thing. */
import type { CorrectAnswer, CorrectCall, HistoryEvent } from '../../fault/record/record.ts';
import { addAction, first, type Lie } from './lies.ts';
import { NS_PER_MS, submitted } from './record-events.ts';
import type { Fixture } from './record-fixture.ts';

const MS = 9_000;
const ADJUST: CorrectCall = {
  ...{ operationId: 'op1', userId: 'bob', leaderboard: 'global', kind: 'adjust', amount: -2, actionId: '' },
};
const ANSWER: CorrectAnswer = { before: 7, after: 5, version: 3 };

const asked = (call: CorrectCall, op: number): HistoryEvent => ({
  ...{ proc: 'operator', op, monoNs: MS * NS_PER_MS, f: 'correct', type: 'invoke', value: call },
});
const answered = (answer: CorrectAnswer, op: number): HistoryEvent => ({
  ...{ proc: 'operator', op, monoNs: (MS + 20) * NS_PER_MS, f: 'correct', type: 'ok', value: answer },
});

/** Everywhere as a correct system stores it. Bob had 7 points. */
export function addCorrection(
  run: Fixture,
  call: CorrectCall = ADJUST,
  answer: CorrectAnswer = ANSWER,
): void {
  const { operationId, userId } = call;
  run.history.push(asked(call, 80), answered(answer, 80));
  addAction(run, userId, `correction:${operationId}`, 0, answer.after ?? 0, answer.version);
  const row = run.actions.at(-1);
  if (row === undefined) throw new Error('there is no entry');
  run.corrections.push({ ...call, leaderboard: 'global', position: row.position });
}

export const LIES_IN_CORRECTIONS: readonly Lie[] = [
  [
    'a correction that was acknowledged is lost',
    'I22',
    ({ history }) => history.push(asked(ADJUST, 80), answered(ANSWER, 80)),
  ],
  [
    'a correction that nobody asked for',
    'I22',
    (run) => {
      addCorrection(run);
      run.history = run.history.filter(({ f }) => f !== 'correct');
    },
  ],
  [
    'a correction of another amount than was asked for',
    'I22',
    (run) => {
      addCorrection(run);
      run.history = run.history.map((event) =>
        event.f === 'correct' && event.type === 'invoke' ? asked({ ...ADJUST, amount: -1 }, event.op) : event,
      );
    },
  ],
  [
    'a correction that was refused and counts',
    'I22',
    (run) => {
      addCorrection(run);
      const value = { reason: 'SCORE_OUT_OF_RANGE' };
      const refused: HistoryEvent = {
        ...{ proc: 'operator', op: 80, monoNs: (MS + 20) * NS_PER_MS, f: 'correct', type: 'fail', value },
      };
      run.history = run.history.map((event) =>
        event.f === 'correct' && event.type === 'ok' ? refused : event,
      );
    },
  ],
  [
    'an answer that tells another score',
    'I22',
    (run) => {
      addCorrection(run);
      run.history.push(asked(ADJUST, 81), answered({ ...ANSWER, after: 6 }, 81));
    },
  ],
  [
    'a total that the correction is missing from',
    'I5',
    (run) => {
      addCorrection(run);
      const before = { points: 7, version: 3 };
      for (const state of [...run.scores, ...run.members])
        if (state.userId === 'bob') Object.assign(state, before);
      run.wireTop = run.wireTop.map((entry) => (entry.userId === 'bob' ? { ...entry, score: 7 } : entry));
    },
  ],
  [
    'an action that counts after it was taken back',
    'I22',
    (run) => {
      const back: CorrectCall = { ...ADJUST, kind: 'void', leaderboard: '', amount: 0, actionId: 'a2' };
      addCorrection(run, back, { before: 7, after: 0, version: 3 });
      const bob = first(run.scores.filter(({ userId }) => userId === 'bob'));
      // What is left of bob is an action without points, which is not the first of the board any more.
      Object.assign(bob, { reached: Number.MAX_SAFE_INTEGER });
      run.members = run.members.filter(({ userId }) => userId !== 'bob');
      run.tops = [{ leaderboard: 'global', userIds: run.members.map(({ userId }) => userId) }];
      run.wireTop = run.members.map(({ userId, points }) => ({ userId, score: points }));
      run.history.push(
        ...submitted({
          ...{ op: 82, userId: 'bob', actionId: 'a2', points: 7, ms: MS + 100 },
          ...{ newScore: 7, version: 1, replayed: true },
        }),
      );
      for (const event of run.history) {
        if (event.f === 'correct' && event.type === 'ok') Object.assign(event.value, { after: null });
      }
    },
  ],
];
