/**
 * From committed to seen: publish what was projected and settle the outbox row. Right after the commit when all goes
 * well; whatever is left, the sweeper finds in the outbox and delivers with the players' newest states.
 */
import { createCoalescer } from '../shared/coalescer.ts';
import type { Log } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { IndexKeeper } from './index-keeper.ts';
import { createLoop } from './loop.ts';
import type { OutboxRow, OutboxStore } from './outbox-store.ts';
import type { Projected, Projector } from './projector.ts';
import type { Publisher } from './publisher.ts';
import type { TruthStore } from './truth-store.ts';

export interface Delivery {
  /** Publishes a batch that was just committed and projected. Returns at once; failures are left to the sweeper. */
  deliver(outboxId: bigint, projected: readonly Projected[]): void;
  start(): void;
  /** Finishes what is under way. */
  stop(): Promise<void>;
}

export interface DeliveryOptions {
  outbox: OutboxStore;
  truth: TruthStore;
  projector: Projector;
  publisher: Publisher;
  keeper: Pick<IndexKeeper, 'fresh'>;
  log: Log;
  metrics: Metrics;
}

/** Batches on their way to the bus at once; more are left to the sweeper, which sends fewer and larger messages. */
const MAX_IN_FLIGHT = 256;
const SWEEP_EVERY_MS = 500;
const SWEEP_ROWS = 200;
/** Longer than every limit inside one sweep. */
const SWEEP_LEASE_MS = 10_000;
/** Players per event of a sweep: about 40 KiB. */
const PLAYERS_PER_EVENT = 500;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** Only failures while everything was reachable come near this: such a row needs a person. */
const MAX_ATTEMPTS = 20;
const SETTLE_BATCH = 500;
const DEPTH_EVERY_MS = 2_000;

export function createDelivery(options: DeliveryOptions): Delivery {
  const { outbox, truth, projector, publisher, keeper, log, metrics } = options;
  const published = metrics.counter('score_batches_published_total', 'Events published, by path.', ['path']);
  const failures = metrics.counter(
    'score_delivery_failures_total',
    'Deliveries that failed and will be tried again.',
  );
  let depth = { pending: 0, oldestSeconds: 0, dead: 0 };
  metrics.gauge('outbox_pending_rows', 'Committed batches not yet delivered.', {
    collect: () => depth.pending,
  });
  metrics.gauge('outbox_oldest_seconds', 'Projection lag: age of the oldest undelivered batch.', {
    collect: () => depth.oldestSeconds,
  });
  metrics.gauge('outbox_dead_rows', 'Batches given up; replay them by hand.', { collect: () => depth.dead });

  const underWay = new Set<Promise<void>>();
  const settler = createCoalescer<bigint, undefined>({
    maxBatch: SETTLE_BATCH,
    maxInFlight: 1,
    maxQueue: MAX_IN_FLIGHT * 4,
    send: async (ids) => {
      await outbox.settle(ids);
      return ids.map(() => undefined);
    },
  });

  async function publishAndSettle(outboxId: bigint, projected: readonly Projected[]): Promise<void> {
    try {
      await Promise.all(projected.map((board) => publisher.publish(`o${outboxId}`, board)));
      published.inc({ path: 'fast' }, projected.length);
      if (projected.every((board) => board.complete)) await settler.submit(outboxId);
    } catch (error) {
      failures.inc();
      log.warn({ err: error, outboxId: String(outboxId) }, 'delivery failed; the sweeper will repeat it');
    }
  }

  async function sweep(): Promise<void> {
    while (publisher.ready()) {
      const rows = await outbox.claim(SWEEP_ROWS, SWEEP_LEASE_MS);
      if (rows.length === 0) return;
      await sweepRows(rows);
    }
  }

  async function sweepRows(rows: readonly OutboxRow[]): Promise<void> {
    const ids = rows.map((row) => row.id);
    try {
      const states = await truth.states(rows.flatMap((row) => row.players));
      // Read after the states: of an index whose building began before, their writers may have failed to tell it.
      const index = await keeper.fresh();
      for (let start = 0; start < states.length; start += PLAYERS_PER_EVENT) {
        const projected = await projector.project(states.slice(start, start + PLAYERS_PER_EVENT), index);
        if (!projected.every((board) => board.complete)) throw new Error('the projection is incomplete');
        // An id of its own: the content is newer than that of the first attempt.
        const batchId = `s${ids[0]}-${start}-${performance.now()}`;
        await Promise.all(projected.map((board) => publisher.publish(batchId, board)));
        published.inc({ path: 'sweep' }, projected.length);
      }
      await outbox.settle(ids);
    } catch (error) {
      failures.inc();
      const delayMs = BACKOFF_MIN_MS + Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * rows.length);
      await outbox.postpone(
        ids,
        error instanceof Error ? error.message : String(error),
        delayMs,
        MAX_ATTEMPTS,
      );
      throw error;
    }
  }

  const sweeper = createLoop({ name: 'outbox sweeper', everyMs: SWEEP_EVERY_MS, run: sweep, log });
  const measure = async () => {
    depth = await outbox.depth();
  };
  const gauge = createLoop({ name: 'outbox depth', everyMs: DEPTH_EVERY_MS, run: measure, log });

  return {
    deliver(outboxId, projected) {
      if (!publisher.ready() || underWay.size >= MAX_IN_FLIGHT) return;
      const work = publishAndSettle(outboxId, projected).finally(() => underWay.delete(work));
      underWay.add(work);
    },
    start() {
      sweeper.start();
      gauge.start();
    },
    async stop() {
      await Promise.all([sweeper.stop(), gauge.stop(), ...underWay]);
      await settler.close();
    },
  };
}
