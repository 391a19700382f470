import { expect, test } from 'vitest';
import { createPostgresBreaker } from '../../../../services/score/accept/postgres-breaker.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import { waitFor } from '../../../support/wait-for.ts';

function start() {
  let failure: Error | undefined;
  let probes = 0;
  const failOrAnswer = async () => {
    if (failure !== undefined) throw failure;
  };
  const breaker = createPostgresBreaker({
    pool: {
      checkWritable() {
        probes += 1;
        return failOrAnswer();
      },
    },
    log: createSilentLog(),
    metrics: createMetrics('test', { runtime: false }),
  });
  return {
    breaker,
    fail: (error: Error | undefined) => {
      failure = error;
    },
    probes: () => probes,
    call: () => breaker.run(failOrAnswer).catch(() => undefined),
  };
}

test('after some consecutive failures submissions are refused at once, until a probe succeeds', async () => {
  const { breaker, fail, call, probes } = start();
  fail(new AppError('DEADLINE_EXCEEDED'));
  for (let times = 0; times < 3; times += 1) await call();
  expect(breaker.refusal()).toBeUndefined();
  await call();
  expect(breaker.refusal()).toMatchObject({ reason: 'STORE_UNAVAILABLE', retryAfterMs: 1_000 });
  await waitFor(() => probes() >= 2 || undefined);
  expect(breaker.trouble()).toBe('it does not answer');
  fail(undefined);
  await waitFor(() => breaker.trouble() === undefined || undefined);
  expect(breaker.refusal()).toBeUndefined();
  await breaker.stop();
});

test('a call that succeeds, or fails because of its contents, resets the count', async () => {
  const { breaker, fail, call } = start();
  for (const error of [new AppError('STORE_UNAVAILABLE'), new Error('a conflict'), undefined]) {
    fail(new AppError('OUTCOME_UNKNOWN'));
    for (let times = 0; times < 3; times += 1) await call();
    fail(error instanceof AppError ? undefined : error);
    await call();
  }
  expect(breaker.trouble()).toBeUndefined();
  await breaker.stop();
});

test('an open breaker stops probing when the service stops', async () => {
  const { breaker, fail, call } = start();
  fail(new AppError('STORE_UNAVAILABLE'));
  for (let times = 0; times < 4; times += 1) await call();
  expect(breaker.trouble()).toBe('it does not answer');
  await breaker.stop();
});
