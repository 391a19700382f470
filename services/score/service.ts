/** Wires the score service: stores, index, bus, use cases, rpc. Opens in order and closes in reverse. */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { startAdminServer } from '../shared/admin-server.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { createGrpcClient, startGrpcServer } from '../shared/grpc.ts';
import type { Log } from '../shared/log.ts';
import { createMetrics } from '../shared/metrics.ts';
import { connectNats, ensureScoreStream } from '../shared/nats.ts';
import { createPostgresPool } from '../shared/postgres.ts';
import { connectRedis } from '../shared/redis.ts';
import type { RunningService } from '../shared/run-process.ts';
import { createAcceptStore } from './accept-store.ts';
import { TOP_SIZE } from './board.ts';
import type { ScoreConfig } from './config.ts';
import { createDelivery } from './delivery.ts';
import { createEpochStore } from './epoch-store.ts';
import { createIndexKeeper } from './index-keeper.ts';
import { createOutboxStore } from './outbox-store.ts';
import { createProjector } from './projector.ts';
import { createPublisher } from './publisher.ts';
import { createRankIndex } from './rank-index.ts';
import { createReadBoards } from './read-boards.ts';
import { createScoreRpc } from './rpc.ts';
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

export async function startScore(
  config: ScoreConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<ScoreServer> {
  const metrics = createMetrics('score');
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
  const nats = await connectNats({ url: config.natsUrl, name: 'scoreboard-score', log });
  await ensureScoreStream(await nats.jetstreamManager());
  const auth = createGrpcClient(AuthService, {
    address: config.authAddress,
    serviceKey: config.serviceKey,
    unavailable: 'AUTH_UNAVAILABLE',
  });

  const truth = createTruthStore(readPool);
  const truthBoards = createTruthBoards(truth);
  const index = createRankIndex(redis);
  const publisher = createPublisher({ nats, clock });
  const keeper = createIndexKeeper({
    epochs: createEpochStore(readPool),
    index,
    truth,
    redis,
    announce: announceBoard,
    log,
    metrics,
  });
  const projector = createProjector({ index, truthBoards, keeper, log });
  const reader = createReadBoards({ index, truth, truthBoards, keeper, log });
  const delivery = createDelivery({
    outbox: createOutboxStore(readPool),
    truth,
    projector,
    publisher,
    keeper,
    log,
    metrics,
  });
  const submitScores = createSubmitScores({
    store: createAcceptStore(writePool),
    verifier: createSignatureVerifier(auth, metrics),
    projector,
    delivery,
    keeper,
    reader,
    log,
    metrics,
  });

  /** After an epoch took over, so that viewers hold a board that later events can be compared with. */
  async function announceBoard(leaderboard: string): Promise<void> {
    const { board, stale } = await reader.top(leaderboard, TOP_SIZE);
    if (stale || !publisher.ready()) return;
    const announcement = { leaderboard, players: [], ranks: [], board, position: board, complete: true };
    await publisher.publish(`e${board.epoch}`, announcement);
  }

  await keeper.start();
  delivery.start();
  const grpc = await startGrpcServer({
    host: config.host,
    port: config.port,
    services: [createScoreRpc(submitScores, reader)],
    digests: config.digests,
    log,
    metrics,
  });
  let serving = true;
  const admin = await startAdminServer({
    host: config.adminHost,
    port: config.adminPort,
    metrics,
    readiness: () => ({ serving, epoch: keeper.state.epoch > 0n }),
  });

  return {
    port: grpc.port,
    adminPort: admin.port,
    async stop() {
      serving = false;
      await grpc.stop();
      await submitScores.close();
      await delivery.stop();
      await keeper.stop();
      await nats.drain();
      auth.close();
      redis.disconnect();
      await Promise.all([writePool.close(), readPool.close()]);
      await admin.close();
    },
  };
}
