/**
 * From committed to seen: publish what was projected and settle the outbox row. Right after the commit when all goes
 * well; whatever is left, the sweeper finds in the outbox and delivers with the players' newest states.
 */

import type { Publisher } from '../../shared/events/publisher.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import type { ReadPlayerStates } from '../../shared/stores/player-state-store.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { Projected } from '../../shared/values/board.ts';
import type { RankBoards } from '../boards/rank-boards.ts';
import type { OutboxRow, OutboxStore } from './outbox-store.ts';
import { createOutboxSweeper } from './outbox-sweeper.ts';

export interface Delivery {
  /** Publishes a batch that was just committed and projected. Returns at once; failures are left to the sweeper. */
  deliver(outboxId: bigint, projected: readonly Projected[]): void;
  start(): void;
  /** Looks at the outbox now. */
  wake(): void;
  /** Finishes what is under way. */
  stop(): Promise<void>;
}

export interface DeliveryOptions {
  outbox: Pick<OutboxStore, 'claim' | 'settle' | 'postpone'>;
  readStates: ReadPlayerStates;
  boards: Pick<RankBoards, 'bring' | 'ready'>;
  publisher: Publisher;
  log: Log;
  metrics: Metrics;
}

/** Batches on their way to the bus at once; more are left to the sweeper, which sends fewer and larger messages. */
const MAX_IN_FLIGHT = 256;
/** Players per event of a sweep: about 40 KiB. */
const PLAYERS_PER_EVENT = 500;
const SETTLE_BATCH = 500;
/**
 * Each settling is a commit of its own, and nobody waits for it: the sweeper leaves a row alone for far longer. So what is
 * delivered in such a time is settled together.
 */
const SETTLE_REST_MS = 50;

export function createDelivery(options: DeliveryOptions): Delivery {
  const { outbox, readStates, boards, publisher, log, metrics } = options;
  const published = metrics.counter('score_batches_published_total', 'Events published, by path.', ['path']);
  const failures = metrics.counter(
    'score_delivery_failures_total',
    'Deliveries that failed and will be tried again.',
  );
  const warn = createRepeatedWarning(log, 'delivery failed; the sweeper will repeat it');

  const underWay = new Set<Promise<void>>();
  const settler = createCoalescer<bigint, undefined>({
    maxBatch: SETTLE_BATCH,
    maxInFlight: 1,
    maxQueue: MAX_IN_FLIGHT * 4,
    send: async (ids) => {
      await outbox.settle(ids);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_REST_MS));
      return ids.map(() => undefined);
    },
  });

  async function publishAndSettle(outboxId: bigint, projected: readonly Projected[]): Promise<void> {
    try {
      await Promise.all(projected.map((board) => publisher.publish(`o${outboxId}`, board)));
      published.inc({ path: 'fast' }, projected.length);
      if (!projected.every((board) => board.complete)) return;
      await settler.submit(outboxId);
      sweeper.onDelivered();
    } catch (error) {
      failures.inc();
      warn({ err: error, outboxId: String(outboxId) });
    }
  }

  /** The newest states of all players that these rows name. */
  async function deliverRows(rows: readonly OutboxRow[]): Promise<void> {
    const states = await readStates(rows.flatMap((row) => row.players));
    for (let start = 0; start < states.length; start += PLAYERS_PER_EVENT) {
      // Rank reads which index counts after this, and so after the states: an index whose building began before has not been told by
      // those who committed them.
      const projected = await boards.bring(states.slice(start, start + PLAYERS_PER_EVENT));
      if (!projected.every((board) => board.complete)) throw new Error('the projection is incomplete');
      // An id of its own: the content is newer than that of the first attempt.
      const batchId = `s${rows[0]?.id}-${start}-${performance.now()}`;
      await Promise.all(projected.map((board) => publisher.publish(batchId, board)));
      published.inc({ path: 'sweep' }, projected.length);
    }
  }

  const sweeper = createOutboxSweeper({
    outbox,
    ready: () => publisher.ready() && boards.ready(),
    deliver: deliverRows,
    onFailed: () => failures.inc(),
    log,
  });

  return {
    deliver(outboxId, projected) {
      if (!publisher.ready() || underWay.size >= MAX_IN_FLIGHT) return;
      const work = publishAndSettle(outboxId, projected).finally(() => underWay.delete(work));
      underWay.add(work);
    },
    start: () => sweeper.start(),
    wake: () => sweeper.wake(),
    async stop() {
      await Promise.all([sweeper.stop(), ...underWay]);
      await settler.close();
    },
  };
}
