/** The longest time that a submission takes in the score service, whatever hangs behind it. */
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SubmissionSchema } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import {
  createSubmitScores,
  type SubmitScoresOptions,
} from '../../../../services/score/submit/submit-scores.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../../services/shared/flow/deadline.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import type { Projected } from '../../../../services/shared/values/board.ts';
import { boardsOf } from '../../../support/doubles/boards-of.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = <Value>() => new Promise<Value>(() => {});
const limits: number[] = [];

function start(change: Partial<SubmitScoresOptions>) {
  return createSubmitScores({
    store: { insert: () => never(), find: async () => [] },
    breaker: { refusal: () => undefined, run: (call) => call() },
    outbox: { isFull: () => false },
    skipLocked: (accept) => accept,
    catalog: boardsOf(),
    limits: {
      lane: { isEmpty: () => true, concerns: () => false, accept: () => never() },
      flags: { noteAnswers: () => {}, noteAccepted: () => {} },
    },
    rejected: { note: () => {} },
    isDeniedName: () => false,
    verifier: { verifyAll: async (actions) => actions.map(() => 'k1'), close: async () => {} },
    boards: { project: async () => [], ranks: async (players) => players.map(() => undefined) },
    delivery: { deliver: () => {} },
    log: createSilentLog(),
    metrics: createMetrics('test', { runtime: false }),
    ...change,
  });
}

const submission = create(SubmissionSchema, { userId: 'ada', actionId: 'a1', points: 1n, signature: 's' });
const reasons = (outcomes: readonly unknown[]) =>
  outcomes.map((outcome) => (outcome instanceof AppError ? outcome.reason : outcome));

test('the caller is answered at its deadline, whether Postgres or auth hangs', async () => {
  const hanging: Partial<SubmitScoresOptions>[] = [
    {},
    { verifier: { verifyAll: () => never(), close: async () => {} } },
  ];
  for (const change of hanging) {
    const answered = start(change).submit([submission], 'edge', Deadline.after(50));
    await vi.advanceTimersByTimeAsync(50);
    expect(reasons(await answered)).toEqual(['DEADLINE_EXCEEDED']);
  }
});

test('a caller without a deadline is answered within a second, and Postgres has less', async () => {
  const submitScores = start({
    store: {
      insert: (_, __, limitMs) => {
        limits.push(limitMs);
        return never();
      },
      find: async () => [],
    },
  });
  const answered = submitScores.submit([submission], 'game', Deadline.never);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reasons(await answered)).toEqual(['DEADLINE_EXCEEDED']);
  expect(limits[0]).toBeLessThanOrEqual(800);
});

const INDEX = { epoch: 1n, source: 'redis', building: undefined } as const;
const accepting: SubmitScoresOptions['store'] = {
  insert: async (players) => ({
    players: players.map((player) => ({ ...player, version: 1n, reached: 1n, changed: true })),
    ...{ outboxId: 9n, index: INDEX },
  }),
  find: async () => [],
};

test('a committed score is answered within its deadline while rank is slow, and delivered when rank answers', async () => {
  let onRankAnswer = (_: Projected[]): void => {};
  const delivered = Promise.withResolvers<readonly Projected[]>();
  const submitScores = start({
    store: accepting,
    boards: {
      project: () =>
        new Promise((resolve) => {
          onRankAnswer = resolve;
        }),
      ranks: () => never(),
    },
    delivery: { deliver: (_, projected) => delivered.resolve(projected) },
  });
  const answered = submitScores.submit([submission, submission], 'edge', Deadline.after(1_000));
  await vi.advanceTimersByTimeAsync(1_000);
  const outcomes = await answered;
  expect(outcomes).toMatchObject([
    { newScore: 1n, replayed: false, rank: undefined },
    { newScore: 1n, replayed: true, rank: undefined },
  ]);
  const projected = [{ leaderboard: 'global', players: [], complete: true }] as unknown as Projected[];
  onRankAnswer(projected);
  expect(await delivered.promise).toEqual(projected);
  await submitScores.close();
});

test('a repeat is answered within its deadline while ranks can not be read', async () => {
  const entry = { userId: 'ada', actionId: 'a1', leaderboard: 'global' } as const;
  const submitScores = start({
    store: {
      insert: async () => undefined,
      find: async () => [{ ...entry, points: 1n, scoreAfter: 5n, changedScore: true, version: 2n }],
    },
    boards: { project: () => never(), ranks: () => never() },
  });
  const answered = submitScores.submit([submission], 'edge', Deadline.after(1_000));
  await vi.advanceTimersByTimeAsync(1_000);
  const outcomes = await answered;
  expect(outcomes).toMatchObject([{ newScore: 5n, replayed: true, rank: undefined }]);
});

test('a submission that admission refuses is not verified', async () => {
  let asked = 0;
  const submitScores = start({
    outbox: { isFull: () => true },
    verifier: {
      verifyAll: async (actions) => {
        asked += actions.length;
        return [];
      },
      close: async () => {},
    },
  });
  expect(reasons(await submitScores.submit([submission, submission], 'edge', Deadline.after(1_000)))).toEqual(
    ['OUTBOX_FULL', 'OUTBOX_FULL'],
  );
  expect(asked).toBe(0);
});
