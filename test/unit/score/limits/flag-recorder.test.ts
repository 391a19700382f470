import { expect, it } from 'vitest';
import {
  createFlagRecorder,
  REFUSALS_SPAN_MS,
  REFUSALS_TO_FLAG,
} from '../../../../services/score/limits/flag-recorder.ts';
import type { Flag } from '../../../../services/score/limits/flags-store.ts';
import { AppError, type Reason } from '../../../../services/shared/errors/app-error.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';

function start() {
  const raised: Flag[] = [];
  const clock = { nowMs: 0 };
  const postgres = { isAway: false, counts: 0, refuses: '' };
  const recorder = createFlagRecorder({
    flags: {
      raise: async (flags) => {
        if (postgres.isAway) throw new AppError('STORE_UNAVAILABLE');
        if (flags.some(({ userId }) => userId === postgres.refuses)) {
          throw Object.assign(new Error('invalid byte sequence'), { code: '22021' });
        }
        raised.push(...flags);
      },
      async count() {
        postgres.counts += 1;
        return raised.length;
      },
    },
    log: createSilentLog(),
    metrics: createMetrics('test', { runtime: false }),
    monotonicMs: () => clock.nowMs,
  });
  const refuse = (userId: string, reason: Reason, times: number) => {
    for (let n = 0; n < times; n += 1) {
      recorder.noteAnswers([{ leaderboard: 'global', userId }], [new AppError(reason)]);
    }
  };
  /** One turn of its loop. */
  const flush = async () => {
    recorder.start();
    await recorder.stop();
  };
  return { recorder, raised, clock, postgres, refuse, flush };
}

it('flags repeated refusals, with their number', async () => {
  const { raised, refuse, flush } = start();
  refuse('ada', 'TOO_SOON', REFUSALS_TO_FLAG - 1);
  refuse('bob', 'POINTS_OVER_CAP', REFUSALS_TO_FLAG + 2);
  await flush();
  expect(raised).toMatchObject([{ userId: 'bob', reason: 'POINTS_OVER_CAP', times: REFUSALS_TO_FLAG + 2 }]);
  refuse('ada', 'TOO_SOON', 1);
  await flush();
  expect(raised[1]).toMatchObject({ userId: 'ada', reason: 'TOO_SOON', times: REFUSALS_TO_FLAG });
});

it('forgets refusals that are far apart, and ignores refusals that are no sign of cheating', async () => {
  const { raised, clock, refuse, flush } = start();
  refuse('ada', 'TOO_SOON', REFUSALS_TO_FLAG - 1);
  clock.nowMs = REFUSALS_SPAN_MS;
  await flush();
  refuse('ada', 'TOO_SOON', 1);
  refuse('ada', 'ACTION_CONFLICT', 9);
  await flush();
  expect(raised).toEqual([]);
});

it('stores the flags beside one that Postgres refuses, and does not try that one for ever', async () => {
  const { raised, postgres, refuse, flush } = start();
  postgres.refuses = 'bob';
  for (const player of ['ada', 'bob', 'cy']) refuse(player, 'TOO_SOON', REFUSALS_TO_FLAG);
  await flush();
  postgres.refuses = '';
  await flush();
  expect(raised.map(({ userId }) => userId)).toEqual(['ada', 'cy']);
});

it('flags the refused player of a batch', async () => {
  const { recorder, raised, flush } = start();
  const actions = ['ada', 'bob'].map((userId) => ({ leaderboard: 'global', userId }));
  const accepted = { newScore: 1n, version: 1n, replayed: false };
  for (let n = 0; n < REFUSALS_TO_FLAG; n += 1) {
    recorder.noteAnswers(actions, [accepted, new AppError('WINDOW_POINTS_EXCEEDED')]);
  }
  await flush();
  expect(raised.map(({ userId }) => userId)).toEqual(['bob']);
});

it('writes a flag once Postgres is back, merged with those raised meanwhile', async () => {
  const { raised, postgres, refuse, flush } = start();
  postgres.isAway = true;
  refuse('ada', 'TOO_SOON', REFUSALS_TO_FLAG);
  await flush();
  refuse('ada', 'TOO_SOON', REFUSALS_TO_FLAG);
  await flush();
  expect(raised).toEqual([]);
  postgres.isAway = false;
  await flush();
  await flush();
  expect(raised).toMatchObject([{ userId: 'ada', reason: 'TOO_SOON', times: 2 * REFUSALS_TO_FLAG }]);
});

it('writes its flags before it stops', async () => {
  const { recorder, raised, refuse } = start();
  recorder.start();
  refuse('ada', 'TOO_SOON', REFUSALS_TO_FLAG);
  await recorder.stop();
  expect(raised).toMatchObject([{ userId: 'ada' }]);
});

it('counts the stored flags after it wrote some, and else every ten seconds', async () => {
  const { clock, postgres, refuse, flush } = start();
  await flush();
  await flush();
  expect(postgres.counts).toBe(1);
  refuse('bob', 'TOO_SOON', REFUSALS_TO_FLAG);
  await flush();
  expect(postgres.counts).toBe(2);
  clock.nowMs += 10_000;
  await flush();
  expect(postgres.counts).toBe(3);
});
