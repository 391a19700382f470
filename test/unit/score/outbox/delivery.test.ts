import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  createDelivery,
  type Delivery,
  type DeliveryOptions,
} from '../../../../services/score/outbox/delivery.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import type { Projected } from '../../../../services/shared/values/board.ts';

let settled: bigint[][];
let published: { id: string; users: string[]; ageMs: number | undefined }[];
let publishing: Promise<void>;
let delivery: Delivery;
let claims: number;
let onReady: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  settled = [];
  claims = 0;
  published = [];
  publishing = Promise.resolve();
  const options = {
    outbox: {
      settle: async (ids: bigint[]) => void settled.push(ids),
      async claim() {
        claims += 1;
        return [];
      },
    },
    sweeps: { hasDueRows: async () => true, everyMs: 1_000 },
    boards: {
      ready: () => true,
      onReady(listener: () => void) {
        onReady = listener;
      },
    },
    publisher: {
      ready: () => true,
      publish(id: string, { players }: Projected, ageMs?: number) {
        published.push({ id, users: players.map(({ userId }) => userId), ageMs });
        return publishing;
      },
    },
    log: createSilentLog(),
    metrics: createMetrics('score', { runtime: false }),
  };
  delivery = createDelivery(options as unknown as DeliveryOptions);
});

afterEach(() => void vi.useRealTimers());

/** A commit that changed one player. */
const commitOf = (userId: string, change: Partial<Projected> = {}): Projected[] => [
  {
    leaderboard: 'global',
    players: [{ leaderboard: 'global', userId, username: userId, points: 1n, version: 1n, reached: 1n }],
    ...{ ranks: [1], board: undefined, position: undefined, complete: true },
    ...change,
  },
];

it('publishes a commit after a rest at once, and what follows within 50 ms together', async () => {
  delivery.deliver(1n, commitOf('ann'));
  await vi.advanceTimersByTimeAsync(1);
  expect(published).toEqual([{ id: 'o1-0', users: ['ann'], ageMs: 0 }]);
  delivery.deliver(2n, commitOf('bob'));
  await vi.advanceTimersByTimeAsync(10);
  delivery.deliver(3n, commitOf('cem'));
  expect(published).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(39);
  expect(published.slice(1)).toEqual([{ id: 'o2-0', users: ['bob', 'cem'], ageMs: 49 }]);
});

it('settles what is published after a rest at once, and what follows within 250 ms together', async () => {
  delivery.deliver(1n, commitOf('ann'));
  await vi.advanceTimersByTimeAsync(1);
  expect(settled).toEqual([[1n]]);
  for (const id of [2n, 3n, 4n]) {
    delivery.deliver(id, commitOf(`u${id}`));
    await vi.advanceTimersByTimeAsync(60);
  }
  expect(settled).toEqual([[1n]]);
  await vi.advanceTimersByTimeAsync(70);
  expect(settled).toEqual([[1n], [2n, 3n, 4n]]);
});

it('waits for nothing while it stops: what is left is published and settled at once', async () => {
  for (const id of [1n, 2n]) {
    delivery.deliver(id, commitOf(`u${id}`));
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(published).toHaveLength(1);
  const stopped = delivery.stop();
  await vi.advanceTimersByTimeAsync(1);
  await stopped;
  expect(published.map(({ users }) => users)).toEqual([['u1'], ['u2']]);
  expect(settled).toEqual([[1n], [2n]]);
});

it('settles only commits whose projection is complete', async () => {
  delivery.deliver(1n, commitOf('ann', { complete: false }));
  await vi.advanceTimersByTimeAsync(60);
  delivery.deliver(2n, commitOf('bob', { complete: false }));
  delivery.deliver(3n, commitOf('cem'));
  await vi.advanceTimersByTimeAsync(100);
  expect(published).toHaveLength(2);
  expect(settled).toEqual([[3n]]);
});

it('leaves to the sweeper what could not be published, and publishes what follows', async () => {
  publishing = Promise.reject(new Error('no acknowledgement'));
  publishing.catch(() => {});
  delivery.deliver(1n, commitOf('ann'));
  await vi.advanceTimersByTimeAsync(60);
  publishing = Promise.resolve();
  delivery.deliver(2n, commitOf('bob'));
  await vi.advanceTimersByTimeAsync(100);
  expect(settled).toEqual([[2n]]);
});

it('leaves to the sweeper what comes while 256 commits wait', async () => {
  const acknowledged = Promise.withResolvers<void>();
  publishing = acknowledged.promise;
  delivery.deliver(1n, commitOf('u1'));
  await vi.advanceTimersByTimeAsync(1);
  for (let id = 2n; id <= 300n; id += 1n) delivery.deliver(id, commitOf(`u${id}`));
  acknowledged.resolve();
  await vi.advanceTimersByTimeAsync(400);
  expect(settled.flat()).toHaveLength(257);
  expect(published).toHaveLength(2);
});

it('publishes and settles all that was committed before it stops', async () => {
  for (const id of [1n, 2n]) {
    delivery.deliver(id, commitOf(`u${id}`));
    await vi.advanceTimersByTimeAsync(1);
  }
  const stopping = delivery.stop();
  await vi.advanceTimersByTimeAsync(200);
  await stopping;
  expect(settled).toEqual([[1n], [2n]]);
});

it('sweeps the outbox as soon as rank is back', async () => {
  delivery.start();
  await vi.advanceTimersByTimeAsync(100);
  expect(claims).toBe(1);
  onReady();
  await vi.advanceTimersByTimeAsync(1);
  expect(claims).toBe(2);
  await delivery.stop();
});
