import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProjectStatesResponseSchema } from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createRankWatch, type RankWatch } from '../../../../services/score/boards/rank-watch.ts';
import { AppError, type Reason } from '../../../../services/shared/errors/app-error.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';

const PROBED_WITHIN_MS = 300;
const LOST_WITHIN_MS = 1_000;
let refusal: Reason | undefined;
let backs: number;
let watch: RankWatch;

beforeEach(async () => {
  vi.useFakeTimers();
  [refusal, backs] = [undefined, 0];
  watch = createRankWatch({
    rank: {
      async projectStates() {
        if (refusal !== undefined) throw new AppError(refusal);
        return create(ProjectStatesResponseSchema);
      },
    },
    log: createSilentLog(),
    metrics: createMetrics('test', { runtime: false }),
  });
  watch.onBack(() => {
    backs += 1;
  });
});

afterEach(async () => {
  await watch.stop();
  vi.useRealTimers();
});

it('knows after its start whether rank answers, and reports once that it is back', async () => {
  refusal = 'RANK_UNAVAILABLE';
  await watch.start();
  expect([watch.isAway(), backs]).toEqual([true, 0]);
  refusal = undefined;
  await vi.advanceTimersByTimeAsync(3 * PROBED_WITHIN_MS);
  expect([watch.isAway(), backs]).toEqual([false, 1]);
});

it('counts rank as away after one call without an answer, until a probe is answered', async () => {
  await watch.start();
  for (const reason of ['RANK_UNAVAILABLE', 'DEADLINE_EXCEEDED'] as const) {
    watch.onFailed(new AppError(reason));
    expect(watch.isAway()).toBe(true);
    await vi.advanceTimersByTimeAsync(PROBED_WITHIN_MS);
    expect(watch.isAway()).toBe(false);
  }
});

it('notices that rank is away although nothing is sent', async () => {
  await watch.start();
  refusal = 'DEADLINE_EXCEEDED';
  await vi.advanceTimersByTimeAsync(LOST_WITHIN_MS);
  expect(watch.isAway()).toBe(true);
});

it('does not count a rank as away that answers with an error', async () => {
  await watch.start();
  watch.onFailed(new AppError('STORE_UNAVAILABLE'));
  watch.onFailed(new Error('a bug'));
  expect(watch.isAway()).toBe(false);
});
