/** The outbox of the simulated Postgres: rows are claimed for a while, then settled or postponed. */
import type { DeliveryOptions } from '../../../../services/score/outbox/delivery.ts';
import type { OutboxRow } from '../../../../services/score/outbox/outbox-store.ts';
import type { Random } from '../../../support/random.ts';
import type { Process } from '../environment/network.ts';
import type { VirtualTime } from '../environment/virtual-time.ts';

export interface Waiting extends OutboxRow {
  state: 'pending' | 'dead';
  attempts: number;
  nextMs: number;
  readonly createdMs: number;
}

const LIMIT_MS = 2_000;

export function outboxStoreOf(
  {
    outbox,
    run,
    time,
    random,
  }: {
    outbox: Map<bigint, Waiting>;
    /** Runs a small change in one moment. */
    run: <Result>(from: Process, limitMs: number, serve: () => Result) => Promise<Result>;
    time: VirtualTime;
    random: Random;
  },
  from: Process,
): DeliveryOptions['outbox'] {
  return {
    claim: (limit, leaseMs) =>
      run(from, LIMIT_MS, () => {
        const due = [...outbox.values()]
          .filter(({ state, nextMs }) => state === 'pending' && nextMs <= time.nowMs())
          .sort((a, b) => a.nextMs - b.nextMs)
          .slice(0, limit);
        for (const row of due) row.nextMs = time.nowMs() + leaseMs;
        return due.map(({ id, players }) => ({ id, players }));
      }),
    settle: (ids) =>
      run(from, LIMIT_MS, () => {
        for (const id of ids) outbox.delete(id);
      }),
    postpone: (ids, { minMs, maxMs, maxAttempts }) =>
      run(from, LIMIT_MS, () => {
        for (const id of ids) {
          const row = outbox.get(id);
          if (row?.state !== 'pending') continue;
          row.nextMs = time.nowMs() + minMs + random.next() * (maxMs - minMs);
          if (maxAttempts === undefined) continue;
          row.attempts += 1;
          if (row.attempts >= maxAttempts) row.state = 'dead';
        }
      }),
  };
}
