/** How long a submission may take inside the score service, whatever hangs behind it. */
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { SubmissionSchema } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import {
  createSubmitScores,
  type SubmitScoresOptions,
} from '../../../services/score/submit/submit-scores.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../services/shared/telemetry/metrics.ts';

const never = <Value>() => new Promise<Value>(() => {});
const limits: number[] = [];

function start(change: Partial<SubmitScoresOptions>) {
  return createSubmitScores({
    store: { insert: () => never(), find: async () => [] },
    limited: { isEmpty: () => true, concerns: () => false, accept: () => never() },
    verifier: { verifyAll: async (actions) => actions.map(() => 'k1'), close: async () => {} },
    boards: { project: async () => [], ranks: async (players) => players.map(() => 0) },
    delivery: { deliver: () => {} },
    log: createSilentLog(),
    metrics: createMetrics('test', { runtime: false }),
    ...change,
  });
}

const submission = create(SubmissionSchema, { userId: 'ada', actionId: 'a1', points: 1n, signature: 's' });
const reasons = (outcomes: readonly unknown[]) =>
  outcomes.map((outcome) => (outcome instanceof AppError ? outcome.reason : outcome));

test('the caller is answered when its time is over, whether the database or the auth service hangs', async () => {
  const hanging: Partial<SubmitScoresOptions>[] = [
    {},
    { verifier: { verifyAll: () => never(), close: async () => {} } },
  ];
  for (const change of hanging) {
    const started = performance.now();
    expect(reasons(await start(change).submit([submission], 'edge', 50))).toEqual(['DEADLINE_EXCEEDED']);
    expect(performance.now() - started).toBeLessThan(900);
  }
});

test('a caller who waits for ever is answered within a second all the same, and the database has less', async () => {
  const submitScores = start({
    store: {
      insert: (_, __, limitMs) => {
        limits.push(limitMs);
        return never();
      },
      find: async () => [],
    },
  });
  const started = performance.now();
  const outcomes = await submitScores.submit([submission], 'game', Number.POSITIVE_INFINITY);
  expect(reasons(outcomes)).toEqual(['DEADLINE_EXCEEDED']);
  // A second, and what a busy machine adds.
  expect(performance.now() - started).toBeLessThan(1_900);
  expect(limits[0]).toBeLessThanOrEqual(800);
});

test('what is refused costs nothing: nobody is asked about it', async () => {
  let asked = 0;
  const submitScores = start({
    shed: () => new AppError('OUTBOX_FULL'),
    verifier: {
      verifyAll: async (actions) => {
        asked += actions.length;
        return [];
      },
      close: async () => {},
    },
  });
  expect(reasons(await submitScores.submit([submission, submission], 'edge', 1_000))).toEqual([
    'OUTBOX_FULL',
    'OUTBOX_FULL',
  ]);
  expect(asked).toBe(0);
});
