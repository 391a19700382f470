import { beforeEach, expect, test } from 'vitest';
import type { OutboxRow, OutboxStore, Postponement } from '../../../../services/score/outbox/outbox-store.ts';
import { createOutboxSweeper, type OutboxSweeper } from '../../../../services/score/outbox/outbox-sweeper.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { waitFor } from '../../../support/wait-for.ts';

/** An outbox in memory whose rows are due whenever they are pending. */
function createMemoryOutbox(ids: readonly bigint[]) {
  const pending = new Set(ids);
  const due = new Set(ids);
  const postponed: { ids: readonly bigint[]; how: Postponement }[] = [];
  const outbox: OutboxStore = {
    claim: async (limit) => {
      const claimed = [...due].slice(0, limit);
      for (const id of claimed) due.delete(id);
      return claimed.map((id): OutboxRow => ({ id, players: [] }));
    },
    settle: async (settled) => {
      for (const id of settled) pending.delete(id);
    },
    postpone: async (rows, how) => void postponed.push({ ids: rows, how }),
    depth: async () => ({ pending: pending.size, oldestSeconds: 0, dead: 0, isDue: due.size > 0 }),
    list: async () => [],
    replay: async () => 0,
  };
  return { outbox, pending, postponed };
}

let broken: (ids: readonly bigint[]) => boolean;
let deliveries: bigint[][];

beforeEach(() => {
  broken = () => false;
  deliveries = [];
});

function sweeperOf(outbox: OutboxStore): OutboxSweeper {
  return createOutboxSweeper({
    outbox,
    hasDueRows: async () => (await outbox.depth()).isDue,
    everyMs: 1_000,
    ready: () => true,
    deliver: async (rows) => {
      const ids = rows.map(({ id }) => id);
      deliveries.push(ids);
      if (broken(ids)) throw new Error('no answer');
    },
    onFailed: () => {},
    log: createSilentLog(),
  });
}

test('one bad row among good ones is the only one postponed, while others are delivered', async () => {
  const memory = createMemoryOutbox([1n, 2n, 3n, 4n]);
  broken = (ids) => ids.includes(3n);
  const sweeper = sweeperOf(memory.outbox);
  sweeper.onDelivered();
  sweeper.start();
  await waitFor(() => memory.postponed.length > 0 || undefined);
  await sweeper.stop();
  expect([...memory.pending]).toEqual([3n]);
  expect(memory.postponed.map(({ ids }) => ids)).toEqual([[3n]]);
  expect(memory.postponed[0]?.how).toMatchObject({ error: 'no answer', maxAttempts: 300 });
});

test('while nothing is delivered, rows wait together and none is given up', async () => {
  const memory = createMemoryOutbox([1n, 2n, 3n]);
  broken = () => true;
  const sweeper = sweeperOf(memory.outbox);
  sweeper.start();
  await waitFor(() => memory.postponed.length > 0 || undefined);
  await sweeper.stop();
  expect(deliveries).toEqual([[1n, 2n, 3n]]);
  expect(memory.postponed[0]).toMatchObject({ ids: [1n, 2n, 3n] });
  expect(memory.postponed[0]?.how.maxAttempts).toBeUndefined();
});

test('after several consecutive failures of rows tried alone, the others are postponed together without a counted attempt', async () => {
  const memory = createMemoryOutbox(Array.from({ length: 50 }, (_, n) => BigInt(n)));
  broken = () => true;
  const sweeper = sweeperOf(memory.outbox);
  sweeper.onDelivered();
  sweeper.start();
  await waitFor(() => memory.postponed.flatMap(({ ids }) => ids).length === 50 || undefined);
  await sweeper.stop();
  expect(deliveries.length).toBeLessThan(10);
  expect(memory.postponed.map(({ ids, how }) => [ids.length, how.maxAttempts])).toEqual([
    [1, 300],
    [1, 300],
    [48, undefined],
  ]);
});

test.each([
  ['nothing is delivered', false],
  ['others are delivered', true],
])(
  'a row that failed while %s is retried within two seconds, because no event announces that the cause is gone',
  async (_, isAlone) => {
    const memory = createMemoryOutbox([1n, 2n]);
    broken = (ids) => ids.includes(1n);
    const sweeper = sweeperOf(memory.outbox);
    if (isAlone) sweeper.onDelivered();
    sweeper.start();
    await waitFor(() => memory.postponed.length > 0 || undefined);
    await sweeper.stop();
    expect(memory.postponed[0]?.ids).toEqual(isAlone ? [1n] : [1n, 2n]);
    expect(memory.postponed[0]?.how.maxMs).toBeLessThanOrEqual(2_000);
  },
);
