import { expect, test } from 'vitest';
import type { AcceptStore } from '../../../../services/score/submit/accept-store.ts';
import { createStoreBreaker } from '../../../../services/score/submit/store-breaker.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import { waitFor } from '../../../support/wait-for.ts';

function start() {
  let failure: Error | undefined;
  let probes = 0;
  const store: AcceptStore = {
    insert: async () => {
      if (failure !== undefined) throw failure;
      return undefined;
    },
    find: async () => [],
  };
  const breaker = createStoreBreaker({
    store,
    probe: async () => {
      probes += 1;
      if (failure !== undefined) throw failure;
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
    insert: () => breaker.store.insert([], [], 1).catch(() => undefined),
  };
}

test('after some failures in a row everything is refused at once, until a probe is answered', async () => {
  const { breaker, fail, insert, probes } = start();
  fail(new AppError('DEADLINE_EXCEEDED'));
  for (let call = 0; call < 3; call += 1) await insert();
  expect(breaker.refusal()).toBeUndefined();
  await insert();
  expect(breaker.refusal()).toMatchObject({ reason: 'STORE_UNAVAILABLE', retryAfterMs: 1_000 });
  await waitFor(() => probes() >= 2 || undefined);
  expect(breaker.trouble()).toBe('it does not answer');
  fail(undefined);
  await waitFor(() => breaker.trouble() === undefined || undefined);
  expect(breaker.refusal()).toBeUndefined();
  await breaker.stop();
});

test('an answer in between, or one that is about the contents, starts the count anew', async () => {
  const { breaker, fail, insert } = start();
  for (const error of [new AppError('STORE_UNAVAILABLE'), new Error('a conflict'), undefined]) {
    fail(new AppError('OUTCOME_UNKNOWN'));
    for (let call = 0; call < 3; call += 1) await insert();
    fail(error instanceof AppError ? undefined : error);
    await insert();
  }
  expect(breaker.trouble()).toBeUndefined();
  await breaker.stop();
});

test('a breaker that is open ends with the service', async () => {
  const { breaker, fail, insert } = start();
  fail(new AppError('STORE_UNAVAILABLE'));
  for (let call = 0; call < 4; call += 1) await insert();
  expect(breaker.trouble()).toBe('it does not answer');
  await breaker.stop();
});
