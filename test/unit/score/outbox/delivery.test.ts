import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  createDelivery,
  type Delivery,
  type DeliveryOptions,
} from '../../../../services/score/outbox/delivery.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';

let settled: bigint[][];
let delivery: Delivery;

beforeEach(() => {
  vi.useFakeTimers();
  settled = [];
  const options = {
    outbox: { settle: async (ids: bigint[]) => void settled.push(ids) },
    publisher: { ready: () => true, publish: async () => {} },
    log: createSilentLog(),
    metrics: createMetrics('score', { runtime: false }),
  };
  // Nothing is swept here.
  delivery = createDelivery(options as unknown as DeliveryOptions);
});

afterEach(() => void vi.useRealTimers());

it('settles what is delivered after a rest at once, and what follows within 50 ms together', async () => {
  delivery.deliver(1n, []);
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toEqual([[1n]]);
  for (const id of [2n, 3n, 4n]) {
    delivery.deliver(id, []);
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(settled).toEqual([[1n]]);
  await vi.advanceTimersByTimeAsync(20);
  expect(settled).toEqual([[1n], [2n, 3n, 4n]]);
});

it('settles all that is delivered before it stops', async () => {
  for (const id of [1n, 2n]) {
    delivery.deliver(id, []);
    await vi.advanceTimersByTimeAsync(1);
  }
  const stopping = delivery.stop();
  await vi.advanceTimersByTimeAsync(100);
  await stopping;
  expect(settled).toEqual([[1n], [2n]]);
});
