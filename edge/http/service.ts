/** Wires the edge: clients of auth, score, rank and Redis, the use cases, and the two faces over them. */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../services/shared/errors/app-error.ts';
import { createGrpcClient, type GrpcClient } from '../../services/shared/grpc/grpc.ts';
import { startAdminServer } from '../../services/shared/http/admin-server.ts';
import { createConnections } from '../../services/shared/net/connections.ts';
import type { RunningService } from '../../services/shared/process/run-process.ts';
import { type Clock, systemClock } from '../../services/shared/settings/clock.ts';
import { connectRedis } from '../../services/shared/stores/redis.ts';
import type { Log } from '../../services/shared/telemetry/log.ts';
import { createMetrics, type Metrics } from '../../services/shared/telemetry/metrics.ts';
import { createTokenVerifier } from '../../services/shared/tokens/token-verifier.ts';
import type { EdgeConfig } from './config.ts';
import { createConnectRoutes } from './connect/connect-adapter.ts';
import { registerScoreboardService, SUBMIT_SCORE_PATH } from './connect/scoreboard-service.ts';
import { createAdmission } from './limits/admission.ts';
import { createRateLimiter, PROBE_AFTER_MS } from './limits/rate-limiter.ts';
import { createPageRoutes } from './page/page-routes.ts';
import { PROBE_DEADLINE_MS, startProbe } from './probe.ts';
import { createRead } from './read/read.ts';
import { createTopCache } from './read/top-cache.ts';
import { createRestRoutes } from './rest/rest-routes.ts';
import { createCors } from './server/cors.ts';
import { startHttpServer } from './server/http-server.ts';
import { createSubmit } from './submit/submit.ts';

export interface EdgeServer extends RunningService {
  readonly port: number;
  readonly adminPort: number;
}

/** A limit's answer that takes longer is not worth waiting for: the node then limits alone. */
const REDIS_TIMEOUT_MS = 100;

export async function startEdge(
  config: EdgeConfig,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Promise<EdgeServer> {
  const metrics = createMetrics('edge');
  const auth = createGrpcClient(AuthService, {
    address: config.authAddress,
    ...config.identity,
    unavailable: 'AUTH_UNAVAILABLE',
  });
  const score = createGrpcClient(ScoreService, {
    address: config.scoreAddress,
    ...config.identity,
    unavailable: 'SCORE_UNAVAILABLE',
    conversations: ['submitScores'],
  });
  const rank = createGrpcClient(RankService, {
    address: config.rankAddress,
    ...config.identity,
    unavailable: 'RANK_UNAVAILABLE',
  });
  const redis = connectRedis({
    url: config.redisUrl,
    connectionName: 'scoreboard-edge',
    commandTimeoutMs: REDIS_TIMEOUT_MS,
    log,
  });
  const verifier = createTokenVerifier({ policy: config.tokenPolicy, auth, clock, log });
  const probes = {
    score: startProbe(() => untilRefused(score)),
    rank: startProbe(() => rank.getTop({ limit: 1 }, { deadlineMs: PROBE_DEADLINE_MS })),
  };
  const limiter = createRateLimiter({ rates: config.rates, redis, metrics, log });
  const probingRedis = setInterval(() => void limiter.probe(), PROBE_AFTER_MS);
  const admission = createAdmission({ verifier, limiter, addressExempt: config.rates.addressExempt });
  const topCache = createTopCache({ rank, metrics });
  const submit = createSubmit({ score, topCache, metrics });
  const read = createRead({ rank, topCache });

  let serving = true;
  const readiness = () => ({
    serving,
    keys: verifier.ready(),
    // With one of them it still serves something: submissions, or boards.
    upstream: [probes.score, probes.rank].some((probe) => probe.trouble() === undefined),
  });
  const server = await startHttpServer({
    host: config.host,
    port: config.port,
    routes: new Map([
      ...createPageRoutes(config.page, config.allowedOrigins),
      ...createRestRoutes({ admission, submit, read, topCache, verifier, readiness }),
      ...createConnectRoutes({
        register: (router) => registerScoreboardService(router, { admission, submit, read }),
        doors: new Map([[SUBMIT_SCORE_PATH, submit.door]]),
        log,
      }),
    ]),
    cors: createCors(config.allowedOrigins.listed),
    trustedProxies: config.trustedProxies,
    connections: openConnections(config, metrics),
    log,
  });
  metrics.gauge('edge_requests_in_flight', 'Requests not yet answered.', { collect: () => server.inFlight });
  const admin = await startAdminServer({
    host: config.adminHost,
    port: config.adminPort,
    metrics,
    readiness,
    dependencies: () => ({
      score: probes.score.trouble(),
      rank: probes.rank.trouble(),
      // Without it the node limits alone.
      redis: limiter.trouble(),
    }),
    log,
  });

  return {
    port: server.port,
    adminPort: admin.port,
    async stop() {
      serving = false;
      await server.stop();
      await submit.close();
      await read.close();
      clearInterval(probingRedis);
      await limiter.close();
      await Promise.all([probes.score.stop(), probes.rank.stop()]);
      verifier.close();
      redis.disconnect();
      rank.close();
      score.close();
      auth.close();
      await admin.close();
    },
  };
}

function openConnections({ connections: limits, rates, trustedProxies }: EdgeConfig, metrics: Metrics) {
  const refused = metrics.counter(
    'edge_connections_refused_total',
    'Connections closed at once, by reason.',
    ['reason'],
  );
  const connections = createConnections({
    limits,
    isExempt: (address) => rates.addressExempt.has(address) || trustedProxies.has(address),
    onRefused: (reason) => refused.inc({ reason }),
  });
  metrics.gauge('edge_connections', 'Open connections of the public port.', {
    collect: () => connections.open,
  });
  return connections;
}

/** A submission without contents is refused by a score service that is there, and costs it nothing. */
async function untilRefused(score: Pick<GrpcClient<typeof ScoreService>, 'submitScore'>): Promise<void> {
  await score.submitScore({}, { deadlineMs: PROBE_DEADLINE_MS }).catch((error: unknown) => {
    if (!(error instanceof AppError && error.kind === 'invalid_argument')) throw error;
  });
}
