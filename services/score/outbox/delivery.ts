/**
 * Delivery of committed batches: publish an event for each board, then remove the outbox row. The fast path delivers a batch
 * right after its commit, with the states that were projected for its answers. The sweeper delivers whatever is left in the
 * outbox. Delivery never fails a submission: the score is committed by then.
 */
import type { Publisher } from '../../shared/events/publisher.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import { Deadline } from '../../shared/flow/deadline.ts';
import type { ReadPlayerStates } from '../../shared/stores/postgres/player-state-store.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import type { Projected } from '../../shared/values/board.ts';
import type { RankBoards } from '../boards/rank-boards.ts';
import { createDeliverRows } from './deliver-rows.ts';
import { mergeProjected } from './merge-projected.ts';
import type { OutboxStore } from './outbox-store.ts';
import { createOutboxSweeper, type OutboxSweeperOptions } from './outbox-sweeper.ts';

export type Delivery = ReturnType<typeof createDelivery>;

export interface DeliveryOptions {
  outbox: Pick<OutboxStore, 'claim' | 'settle' | 'postpone'>;
  sweeps: Pick<OutboxSweeperOptions, 'hasDueRows' | 'everyMs'>;
  readStates: ReadPlayerStates;
  boards: Pick<RankBoards, 'bring' | 'ready' | 'onReady'>;
  publisher: Publisher;
  log: Log;
  metrics: Metrics;
}

/** Commits that wait to be published; more are left to the sweeper, which sends fewer and larger events. */
const MAX_WAITING = 256;
/**
 * The time between two frames of a board. The first commit after a rest is published at once, and those that follow within this
 * time together: at 500 scores a second 25 scores share an event, and its cost in four processes.
 */
const LINGER_MS = 50;
const SETTLE_BATCH = 500;
/**
 * Each removal of rows is a commit of its own and no caller waits for it, so rows that are delivered within this time are
 * removed together. The sweeper leaves a fresh row alone for far longer.
 */
const SETTLE_REST_MS = 250;
/** Part of the drain. What is not delivered by then is safe in the outbox. */
const DRAIN_MS = 4_000;

/** A commit that is not published yet. */
interface Committed {
  readonly outboxId: bigint;
  readonly projected: readonly Projected[];
  /** On the monotonic clock. */
  readonly committedMs: number;
}

export function createDelivery(options: DeliveryOptions) {
  const { outbox, sweeps, readStates, boards, publisher, log, metrics } = options;
  const published = metrics.counter('score_batches_published_total', 'Events published, by path.', ['path']);
  const failures = metrics.counter('score_delivery_failures_total', 'Failed deliveries; each is repeated.');
  const warn = createRepeatedWarning(log, 'delivery failed; the sweeper will repeat it');

  const sweeper = createOutboxSweeper({
    outbox,
    ...sweeps,
    ready: () => publisher.ready() && boards.ready(),
    deliver: createDeliverRows({
      ...{ readStates, boards, publisher },
      onPublished: (events) => published.inc({ path: 'sweep' }, events),
    }),
    onFailed: () => failures.inc(),
    log,
  });
  boards.onReady(() => sweeper.wake());

  const stopping = new AbortController();
  const settler = createCoalescer<bigint, undefined>({
    maxBatch: SETTLE_BATCH,
    maxInFlight: 1,
    maxQueue: MAX_WAITING * 4,
    send: async (ids) => {
      await outbox.settle(ids);
      if (ids.length < SETTLE_BATCH) await rest(SETTLE_REST_MS, stopping.signal);
      return ids.map(() => undefined);
    },
  });
  const gathered = createCoalescer<Committed, undefined>({
    maxBatch: MAX_WAITING,
    maxInFlight: 1,
    maxQueue: MAX_WAITING,
    send: async (commits) => {
      await publishTogether(commits);
      await rest(LINGER_MS, stopping.signal);
      return commits.map(() => undefined);
    },
  });
  const settling = new Set<Promise<void>>();

  /** Never throws: what fails is left to the sweeper. */
  async function publishTogether(commits: readonly Committed[]): Promise<void> {
    const [first] = commits;
    if (first === undefined) return;
    const ageMs = performance.now() - first.committedMs;
    const events = mergeProjected(commits.flatMap(({ projected }) => projected));
    try {
      await Promise.all(
        events.map((event, at) => publisher.publish(`o${first.outboxId}-${at}`, event, ageMs)),
      );
    } catch (error) {
      failures.inc();
      warn({ err: error, outboxId: String(first.outboxId) });
      return;
    }
    published.inc({ path: 'fast' }, events.length);
    const complete = commits.filter(({ projected }) => projected.every((board) => board.complete));
    const work = settle(complete.map(({ outboxId }) => outboxId)).finally(() => settling.delete(work));
    settling.add(work);
  }

  async function settle(outboxIds: readonly bigint[]): Promise<void> {
    for (const outcome of await settler.submitAll(outboxIds)) {
      if (!(outcome instanceof Error)) sweeper.onDelivered();
      else {
        failures.inc();
        warn({ err: outcome });
      }
    }
  }

  async function drain(): Promise<void> {
    stopping.abort();
    await Promise.all([sweeper.stop(), gathered.close()]);
    await Promise.all(settling);
    await settler.close();
  }

  return {
    /** The fast path. Returns at once; a commit that can't be delivered now is left to the sweeper. */
    deliver(outboxId: bigint, projected: readonly Projected[]): void {
      if (!publisher.ready()) return;
      // A refusal says that too many wait; the sweeper finds this commit in the outbox.
      void gathered.submitAll([{ outboxId, projected, committedMs: performance.now() }]);
    },
    start: () => sweeper.start(),
    /** Sweeps the outbox now. */
    wake: () => sweeper.wake(),
    /** Resolves when deliveries under way have ended, or when the drain limit has passed. */
    async stop(): Promise<void> {
      await Deadline.after(DRAIN_MS).race(drain(), () => {});
    },
  };
}

/** Ends early when the signal aborts. */
function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, signal.aborted ? 0 : ms);
    signal.addEventListener('abort', end);
  });
}
