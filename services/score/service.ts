/** Wires the score service: stores, index, bus, use cases, rpc. Opens in order and closes in reverse. */
import { randomUUID } from 'node:crypto';
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { startAdminServer } from '../shared/admin-server.ts';
import { AppError } from '../shared/app-error.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { createGrpcClient, startGrpcServer } from '../shared/grpc.ts';
import type { Log } from '../shared/log.ts';
import { createMetrics, type Metrics } from '../shared/metrics.ts';
import { createPostgresPool } from '../shared/postgres.ts';
import { connectRedis } from '../shared/redis.ts';
import type { RunningService } from '../shared/run-process.ts';
import { createAcceptStore } from './accept-store.ts';
import { TOP_SIZE } from './board.ts';
import { type Bus, openBus } from './bus.ts';
import { createCompareAll } from './compare-all.ts';
import { createCompareIndex } from './compare-index.ts';
import type { ScoreConfig } from './config.ts';
import { createDelivery } from './delivery.ts';
import { createEpochStore } from './epoch-store.ts';
import { createIndexContents } from './index-contents.ts';
import { createIndexKeeper } from './index-keeper.ts';
import { createOperatorRpc } from './operator-rpc.ts';
import { createOutboxStore } from './outbox-store.ts';
import { createOutboxWatch } from './outbox-watch.ts';
import { createProjector, type Projected } from './projector.ts';
import { createRankIndex } from './rank-index.ts';
import { createReadBoards } from './read-boards.ts';
import { createReconciler } from './reconcile.ts';
import { createScoreRpc } from './rpc.ts';
import { checkPostgres, checkRedisFromNowOn } from './start-checks.ts';
import { createStoreBreaker } from './store-breaker.ts';
import { ACCEPT_IN_FLIGHT, createSubmitScores } from './submit-scores.ts';
import { createTruthBoards } from './truth-boards.ts';
import { createTruthStore } from './truth-store.ts';
import { createSignatureVerifier } from './verify-signatures.ts';

export interface ScoreServer extends RunningService {
  readonly port: number;
  readonly adminPort: number;
}

/** Writers get connections of their own, so that a slow reading can not hold up a commit. */
const READ_CONNECTIONS = 4;
const WRITE_STATEMENT_TIMEOUT_MS = 1_000;
const READ_STATEMENT_TIMEOUT_MS = 3_000;
/** A projection that takes longer is left to the sweeper; the reply's rank then comes from Postgres. */
const REDIS_TIMEOUT_MS = 400;
const PROBE_LIMIT_MS = 500;
/** When there is room in a full outbox again depends on the bus; clients ask now and then. */
const OUTBOX_FULL_RETRY_MS = 5_000;
/** Part of the drain for deliveries under way. What is not delivered by then is safe in the outbox. */
const DELIVERY_DRAIN_MS = 4_000;

export async function startScore(
  config: ScoreConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<ScoreServer> {
  const metrics = createMetrics('score');
  let serving = false;
  const servers = openServers(config, log);
  const { writePool, readPool, redis, auth } = servers;
  let bus: Bus;
  try {
    await Promise.all([checkPostgres(readPool, log), checkRedisFromNowOn(redis, log)]);
    bus = await openBus({ natsUrl: config.natsUrl, clock, log });
  } catch (error) {
    await servers.close();
    throw error;
  }
  const outbox = createOutboxStore(readPool);
  const boards = createBoards({ ...servers, bus, log, metrics });
  const { keeper, projector, reader, reconciler, compareAll } = boards;
  const delivery = createDelivery({
    ...{ outbox, truth: boards.truth, projector, publisher: bus, keeper, log, metrics },
  });
  const watch = createOutboxWatch({ outbox, log, metrics });
  const breaker = createStoreBreaker({
    store: createAcceptStore(writePool),
    probe: () => writePool.run((sql) => sql`select 1`, PROBE_LIMIT_MS),
    log,
    metrics,
  });
  const outboxFull = () => new AppError('OUTBOX_FULL', { retryAfterMs: OUTBOX_FULL_RETRY_MS });
  const submitScores = createSubmitScores({
    store: breaker.store,
    verifier: createSignatureVerifier(auth, metrics),
    projector,
    delivery: {
      ...delivery,
      deliver(outboxId, projected) {
        for (const { players } of projected) reconciler.note(players);
        delivery.deliver(outboxId, projected);
      },
    },
    keeper,
    reader,
    shed: () => breaker.refusal() ?? (watch.isFull() ? outboxFull() : undefined),
    log,
    metrics,
  });

  await keeper.start();
  delivery.start();
  watch.start();
  reconciler.start();
  const grpc = await startGrpcServer({
    host: config.host,
    port: config.port,
    services: [createScoreRpc(submitScores, reader), createOperatorRpc({ outbox, delivery, compareAll })],
    digests: config.digests,
    log,
    metrics,
  });
  serving = true;
  const admin = await startAdminServer({
    host: config.adminHost,
    port: config.adminPort,
    metrics,
    // Without any one of its servers it still serves something: submissions, or boards.
    readiness: () => ({ serving, epoch: keeper.state.epoch > 0n }),
    dependencies: () => ({
      postgres: keeper.vouches() && !breaker.isOpen(),
      redis: keeper.state.source === 'redis' && redis.status === 'ready',
      nats: bus.ready(),
    }),
  });

  return {
    port: grpc.port,
    adminPort: admin.port,
    async stop() {
      serving = false;
      await grpc.stop();
      await submitScores.close();
      await atMost(DELIVERY_DRAIN_MS, delivery.stop());
      await Promise.all([reconciler.stop(), watch.stop(), breaker.stop()]);
      await keeper.stop();
      await bus.close();
      await servers.close();
      await admin.close();
    },
  };
}

type Servers = ReturnType<typeof openServers>;

/** Connections to what the service can't do without for long, none of them waited for. */
function openServers(config: ScoreConfig, log: Log) {
  const writePool = createPostgresPool({
    url: config.databaseUrl,
    connections: ACCEPT_IN_FLIGHT,
    applicationName: 'scoreboard-score-accept',
    statementTimeoutMs: WRITE_STATEMENT_TIMEOUT_MS,
  });
  const readPool = createPostgresPool({
    url: config.databaseUrl,
    connections: READ_CONNECTIONS,
    applicationName: 'scoreboard-score',
    statementTimeoutMs: READ_STATEMENT_TIMEOUT_MS,
  });
  const redis = connectRedis({
    url: config.redisUrl,
    connectionName: 'scoreboard-score',
    commandTimeoutMs: REDIS_TIMEOUT_MS,
    log,
  });
  const auth = createGrpcClient(AuthService, {
    address: config.authAddress,
    serviceKey: config.serviceKey,
    unavailable: 'AUTH_UNAVAILABLE',
  });
  return {
    ...{ writePool, readPool, redis, auth },
    async close() {
      auth.close();
      redis.disconnect();
      await Promise.all([writePool.close(), readPool.close()]);
    },
  };
}

type BoardsOptions = Pick<Servers, 'readPool' | 'redis'> & { bus: Bus; log: Log; metrics: Metrics };

/** Everything that keeps, compares and reads boards. */
function createBoards({ readPool, redis, bus, log, metrics }: BoardsOptions) {
  const truth = createTruthStore(readPool);
  const truthBoards = createTruthBoards(truth);
  const index = createRankIndex(redis);
  const contents = createIndexContents(redis);
  const keeper = createIndexKeeper({
    ...{ epochs: createEpochStore(readPool), index, truth, redis, log, metrics },
    announce: announceBoard,
  });
  const projector = createProjector({ index, truthBoards, keeper, log });
  const reader = createReadBoards({ index, truth, truthBoards, keeper, log });
  const compare = createCompareIndex({ contents, truth });
  const reconciler = createReconciler({
    ...{ compare, contents, truth, projector, keeper, log, metrics },
    announce: announceRepair,
  });

  /** After an epoch took over, so that viewers hold a board that later events can be compared with. */
  async function announceBoard(leaderboard: string): Promise<void> {
    const { board, stale } = await reader.top(leaderboard, TOP_SIZE);
    if (stale || !bus.ready()) return;
    const announcement = { leaderboard, players: [], ranks: [], board, position: board, complete: true };
    await bus.publish(`e${board.epoch}`, announcement);
  }

  /** A board that a repair changed. Who misses the event polls it. */
  async function announceRepair(projected: Projected): Promise<void> {
    if (projected.board === undefined || !bus.ready()) return;
    await bus.publish(`r${randomUUID()}`, projected).catch((error: unknown) => {
      log.warn({ err: error }, 'a repaired board was not announced');
    });
  }

  return {
    ...{ truth, keeper, projector, reader, reconciler },
    compareAll: createCompareAll({ compare, contents, truth, keeper }),
  };
}

/** Resolves with the work, or when its time is over. */
function atMost(limitMs: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, limitMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
