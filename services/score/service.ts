/** Wires the score service: stores, index, bus, use cases, rpc. Opens in order and closes in reverse. */
import { randomUUID } from 'node:crypto';
import { startAdminServer } from '../shared/admin-server.ts';
import { AppError } from '../shared/app-error.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { startGrpcServer } from '../shared/grpc.ts';
import type { Log } from '../shared/log.ts';
import { createMetrics, type Metrics } from '../shared/metrics.ts';
import { createRepeatedWarning } from '../shared/repeated-log.ts';
import type { RunningService } from '../shared/run-process.ts';
import { createAcceptStore } from './accept-store.ts';
import { atMost } from './at-most.ts';
import { createAudit } from './audit.ts';
import { TOP_SIZE } from './board.ts';
import { createCompareAll } from './compare-all.ts';
import { createCompareIndex } from './compare-index.ts';
import type { ScoreConfig } from './config.ts';
import { createDelivery } from './delivery.ts';
import { createEpochStore } from './epoch-store.ts';
import { createIndexContents } from './index-contents.ts';
import { createIndexKeeper } from './index-keeper.ts';
import type { KeepRejected } from './keep-rejected.ts';
import { createLimits } from './limits.ts';
import { createOperatorRpc } from './operator-rpc.ts';
import { createOutboxStore, type OutboxStore } from './outbox-store.ts';
import { createOutboxWatch } from './outbox-watch.ts';
import { createProjector, type Projected } from './projector.ts';
import { createRankIndex } from './rank-index.ts';
import { createReadBoards } from './read-boards.ts';
import { createReconciler } from './reconcile.ts';
import { createRepairIndex } from './repair-index.ts';
import { createScoreRpc } from './rpc.ts';
import { openServers, type Servers } from './servers.ts';
import { createStoreBreaker } from './store-breaker.ts';
import { createSubmitScores } from './submit-scores.ts';
import { createTruthBoards } from './truth-boards.ts';
import { createTruthRanks } from './truth-ranks.ts';
import { createTruthStore } from './truth-store.ts';
import { createSignatureVerifier } from './verify-signatures.ts';

export interface ScoreServer extends RunningService {
  readonly port: number;
  readonly adminPort: number;
}

const PROBE_LIMIT_MS = 500;
/** When there is room in a full outbox again depends on the bus; clients ask now and then. */
const OUTBOX_FULL_RETRY_MS = 5_000;
/** Part of the drain for deliveries under way. What is not delivered by then is safe in the outbox. */
const DELIVERY_DRAIN_MS = 4_000;

export async function startScore(
  config: ScoreConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<ScoreServer> {
  const servers = await openServers(config, { log, clock });
  const metrics = createMetrics('score');
  const outbox = createOutboxStore(servers.upkeepPool);
  const boards = createBoards({ ...servers, log, metrics });
  const { keeper, reader, reconciler, compareAll } = boards;
  const audit = createAudit({
    ...{ pool: servers.auditPool, key: config.auditKey, keySource: config.auditKeySource },
    ...{ newKeyAfter: config.newAuditKeyAfter, reconciler, log, metrics },
  });
  const { delivery, watch, breaker, limits, submitScores } = createSubmission({
    ...{ servers, boards, outbox, log, metrics },
    rejected: audit.rejected,
  });

  await Promise.all([keeper.start(), limits.start()]);
  delivery.start();
  watch.start();
  reconciler.start();
  audit.start();
  const grpc = await startGrpcServer({
    host: config.host,
    port: config.port,
    services: [
      createScoreRpc(submitScores, reader),
      createOperatorRpc({ outbox, delivery, compareAll }),
      limits.rpc,
      audit.rpc,
    ],
    ...config.callers,
    reflection: config.reflection,
    log,
    metrics,
  });
  let serving = true;
  const admin = await startAdminServer({
    host: config.adminHost,
    port: config.adminPort,
    metrics,
    // Without any one of its servers it still serves something: submissions, or boards.
    readiness: () => ({ serving, epoch: keeper.state.epoch > 0n }),
    dependencies() {
      const { postgres, redis } = keeper.troubles();
      return { postgres: postgres ?? breaker.trouble(), redis, nats: servers.bus.trouble() };
    },
    log,
  });

  return {
    port: grpc.port,
    adminPort: admin.port,
    async stop() {
      serving = false;
      await grpc.stop();
      await submitScores.close();
      await atMost(DELIVERY_DRAIN_MS, delivery.stop());
      await Promise.all([reconciler, watch, limits, breaker, audit].map((part) => part.stop()));
      await keeper.stop();
      await servers.close();
      await admin.close();
    },
  };
}

type BoardsOptions = Pick<Servers, 'readPool' | 'upkeepPool' | 'redis' | 'bus'> & {
  log: Log;
  metrics: Metrics;
};

/** Everything that keeps, compares and reads boards. */
function createBoards({ readPool, upkeepPool, redis, bus, log, metrics }: BoardsOptions) {
  const truth = createTruthStore(upkeepPool);
  const readersTruth = createTruthStore(readPool);
  const truthBoards = createTruthBoards(readersTruth);
  const truthRanks = createTruthRanks(readersTruth);
  const index = createRankIndex(redis);
  const contents = createIndexContents(redis);
  const keeper = createIndexKeeper({
    ...{ epochs: createEpochStore(upkeepPool), index, truth, redis, log, metrics },
    announce: announceBoard,
  });
  const projector = createProjector({ index, truthBoards, keeper, log });
  const reader = createReadBoards({ index, truth: readersTruth, truthBoards, truthRanks, keeper, log });
  const compare = createCompareIndex({ contents, truth });
  const repair = createRepairIndex({
    ...{ compare, contents, truth, projector, keeper, log, metrics },
    announce: announceRepair,
  });
  const reconciler = createReconciler({ compare, contents, truth, repair, keeper, log, metrics });

  /** After an epoch took over, so that viewers hold a board that later events can be compared with. */
  async function announceBoard(leaderboard: string): Promise<void> {
    const { board, stale } = await reader.top(leaderboard, TOP_SIZE);
    if (stale || !bus.ready()) return;
    const announcement = { leaderboard, players: [], ranks: [], board, position: board, complete: true };
    await bus.publish(`e${board.epoch}`, announcement);
  }

  const warn = createRepeatedWarning(log, 'a repaired board was not announced');

  /** A board that a repair changed. Who misses the event polls it. */
  async function announceRepair(projected: Projected): Promise<void> {
    if (projected.board === undefined || !bus.ready()) return;
    await bus.publish(`r${randomUUID()}`, projected).catch((error: unknown) => {
      warn({ err: error });
    });
  }

  return {
    ...{ truth, keeper, projector, reader, reconciler },
    compareAll: createCompareAll({ compare, contents, truth, keeper }),
  };
}

interface SubmissionOptions {
  servers: Servers;
  boards: ReturnType<typeof createBoards>;
  outbox: OutboxStore;
  rejected: Pick<KeepRejected, 'note'>;
  log: Log;
  metrics: Metrics;
}

/** Everything between a submission and its delivery, and what may hold submissions back. */
function createSubmission({ servers, boards, outbox, rejected, log, metrics }: SubmissionOptions) {
  const { truth, keeper, projector, reader, reconciler } = boards;
  const { writePool, upkeepPool, auth, bus } = servers;
  const delivery = createDelivery({ outbox, truth, projector, publisher: bus, keeper, log, metrics });
  const watch = createOutboxWatch({ outbox, log, metrics });
  const breaker = createStoreBreaker({
    store: createAcceptStore(writePool),
    probe: () => writePool.checkWritable(PROBE_LIMIT_MS),
    ...{ log, metrics },
  });
  const outboxFull = () => new AppError('OUTBOX_FULL', { retryAfterMs: OUTBOX_FULL_RETRY_MS });
  const limits = createLimits({ writePool, upkeepPool, breaker, log, metrics });
  const submitScores = createSubmitScores({
    store: breaker.store,
    limited: limits.lane,
    verifier: createSignatureVerifier(auth, metrics),
    delivery: {
      ...delivery,
      deliver(outboxId, projected) {
        for (const { players } of projected) {
          reconciler.note(players);
          limits.noteAccepted(players);
        }
        delivery.deliver(outboxId, projected);
      },
    },
    onRefused: rejected.note,
    shed: () => breaker.refusal() ?? (watch.isFull() ? outboxFull() : undefined),
    ...{ projector, keeper, reader, log, metrics },
  });
  return { delivery, watch, breaker, limits, submitScores };
}
