/** Wires the edge: clients of auth, score, rank and Redis, the use cases, and REST, Connect and the page over them. */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { BoardsService } from '../../gen/scoreboard/score/v1/boards_pb.ts';
import { ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { Deadline } from '../../services/shared/flow/deadline.ts';
import { createClientCalls, createGrpcClient } from '../../services/shared/grpc/grpc.ts';
import { startAdminServer } from '../../services/shared/http/admin-server.ts';
import { joinHostPort } from '../../services/shared/net/host-port.ts';
import type { RunningService } from '../../services/shared/process/run-process.ts';
import { type Clock, systemClock } from '../../services/shared/settings/clock.ts';
import { redisPrefix } from '../../services/shared/stores/names.ts';
import { connectRedis, type RedisClient } from '../../services/shared/stores/redis/redis.ts';
import { checkRedisFromNowOn, refuseCluster } from '../../services/shared/stores/redis/redis-checks.ts';
import type { Log } from '../../services/shared/telemetry/log.ts';
import { createMetrics, type Metrics } from '../../services/shared/telemetry/metrics.ts';
import { createNameRecorder } from '../../services/shared/tokens/players/name-recorder.ts';
import { createTokenRefusals } from '../../services/shared/tokens/rules/token-refusals.ts';
import { createTokenVerifier } from '../../services/shared/tokens/token-verifier.ts';
import { createBoardList } from './boards/board-list.ts';
import type { EdgeConfig } from './config.ts';
import { createConnectRoutes } from './connect/connect-adapter.ts';
import { registerScoreboardService, SUBMIT_SCORE_PATH } from './connect/scoreboard-service.ts';
import { startHealth } from './health/health.ts';
import { createAdmission } from './limits/admission.ts';
import { createRateLimiter } from './limits/rate-limiter.ts';
import { createPageRoutes } from './page/page-routes.ts';
import { createRead } from './read/read.ts';
import { createReadFriends } from './read/read-friends.ts';
import { createReadPages } from './read/read-pages.ts';
import { createTopCache } from './read/top-cache.ts';
import { createRestRoutes } from './rest/rest-routes.ts';
import { createCors } from './server/cors.ts';
import { startHttpServer } from './server/http-server.ts';
import { createPublicConnections } from './server/public-connections.ts';
import { createSubmit } from './submit/submit.ts';

export interface EdgeServer extends RunningService {
  readonly port: number;
  readonly adminPort: number;
}

/** The rate limiter is the only user of Redis, and limiting alone is better than a longer wait. */
const REDIS_TIMEOUT_MS = 100;
/** A Redis that works, or refuses us, answers long before. One that takes connections and is silent is looked at more closely. */
const REDIS_START_PATIENCE_MS = 4_000;

export async function startEdge(
  config: EdgeConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<EdgeServer> {
  const metrics = createMetrics('edge');
  const { auth, score, boards, rank, redis, closeClients } = openClients(config, { log, metrics });
  await refuseUnusableRedis(config, redis, log).catch((error: unknown) => {
    closeClients();
    throw error;
  });
  const verifier = createTokenVerifier({
    policy: config.tokenPolicy,
    ...{ auth, clock, log, metrics },
    onNamed: createNameRecorder({ auth, log }).note,
    onRefused: createTokenRefusals(log, metrics),
  });
  const { addressExempt } = config.rates;
  const limiter = createRateLimiter({
    rates: config.rates,
    redis,
    prefix: redisPrefix(config.namespace),
    metrics,
    log,
  });
  limiter.startProbing();
  const admission = createAdmission({ verifier, limiter, addressExempt });
  const useCases = createUseCases({ score, rank, boards, metrics });
  const health = startHealth({ score, rank, verifier, limiter });
  const { readiness, dependencies } = health;

  const server = await startHttpServer({
    host: config.host,
    port: config.port,
    routes: new Map([
      ...createPageRoutes(config.publicNodes, config.allowedOrigins),
      ...createRestRoutes({ admission, ...useCases, verifier, readiness }),
      ...createConnectRoutes({
        register: (router) => registerScoreboardService(router, { admission, ...useCases }),
        admissionChecks: new Map([[SUBMIT_SCORE_PATH, useCases.submit.checkQueue]]),
        log,
      }),
    ]),
    cors: createCors(config.allowedOrigins, config.allowedHeaders),
    trustedProxies: config.trustedProxies,
    connections: createPublicConnections({
      limits: config.connections,
      exempt: [addressExempt, config.trustedProxies],
      metrics,
    }),
    metrics,
    log,
  });
  metrics.gauge('edge_requests_in_flight', 'Requests not yet answered.', { collect: () => server.inFlight });
  const { adminHost: host, adminPort: port } = config;
  const admin = await startAdminServer({ host, port, metrics, readiness, dependencies, log });

  return {
    port: server.port,
    adminPort: admin.port,
    address: joinHostPort(config.host, server.port),
    adminAddress: admin.address,
    async stop() {
      health.drain();
      await server.stop();
      await useCases.submit.close();
      await useCases.read.close();
      await limiter.close();
      await health.stop();
      verifier.close();
      closeClients();
      await admin.close();
    },
  };
}

function createUseCases({
  score,
  rank,
  boards,
  metrics,
}: Pick<ReturnType<typeof openClients>, 'score' | 'rank' | 'boards'> & { metrics: Metrics }) {
  const topCache = createTopCache({ rank, metrics });
  return {
    topCache,
    submit: createSubmit({ score, topCache, metrics }),
    read: createRead({ rank, topCache }),
    pages: createReadPages({ rank }),
    friends: createReadFriends({ rank }),
    boardList: createBoardList({ boards }),
  };
}

/** A Redis that is away is waited for no longer than a connection may take: limits are per node then. */
async function refuseUnusableRedis(
  { redisUrl: url, redisTls: tls }: EdgeConfig,
  redis: RedisClient,
  log: Log,
): Promise<void> {
  const checking = checkRedisFromNowOn(redis, { url, tls, checks: [refuseCluster], log });
  await Deadline.after(REDIS_START_PATIENCE_MS).race(checking, () => {});
}

function openClients(
  { identity, redisUrl, redisTls, ...config }: EdgeConfig,
  { log, metrics }: { log: Log; metrics: Metrics },
) {
  const calls = createClientCalls(metrics);
  const auth = createGrpcClient(AuthService, {
    address: config.authAddress,
    ...identity,
    unavailable: 'AUTH_UNAVAILABLE',
    calls,
  });
  const score = createGrpcClient(ScoreService, {
    address: config.scoreAddress,
    ...identity,
    unavailable: 'SCORE_UNAVAILABLE',
    calls,
    conversations: ['submitScores'],
  });
  const boards = createGrpcClient(BoardsService, {
    address: config.scoreAddress,
    ...identity,
    unavailable: 'SCORE_UNAVAILABLE',
    calls,
  });
  const rank = createGrpcClient(RankService, {
    address: config.rankAddress,
    ...identity,
    unavailable: 'RANK_UNAVAILABLE',
    calls,
  });
  const redis = connectRedis({
    url: redisUrl,
    tls: redisTls,
    connectionName: 'scoreboard-edge',
    commandTimeoutMs: REDIS_TIMEOUT_MS,
    log,
  });
  return {
    ...{ auth, score, boards, rank, redis },
    closeClients() {
      redis.disconnect();
      rank.close();
      boards.close();
      score.close();
      auth.close();
    },
  };
}
