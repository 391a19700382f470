/** A real edge node with a real Redis, and score, rank and auth services that answer what the test says. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedisServer } from '../../../../dev/servers/redis-server.ts';
import { parseEdgeConfig } from '../../../../edge/http/config.ts';
import { startEdge } from '../../../../edge/http/service.ts';
import { RankService } from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { ScoreService } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { registerService } from '../../../../services/shared/grpc/grpc.ts';
import { createServiceKey, digestServiceKeys } from '../../../../services/shared/identity/service-keys.ts';
import { createSilentLog, type Log } from '../../../../services/shared/telemetry/log.ts';
import { metricOf } from '../../clients/admin-pages.ts';
import { createAuthDouble } from '../../doubles/auth-double.ts';
import { createScoreDouble } from '../../doubles/score-double.ts';
import { DOUBLE_HOST as HOST, serveDouble } from '../../doubles/serve.ts';
import { waitFor } from '../../wait-for.ts';

const RANK_CALLERS = {
  getTop: ['edge'],
  getRank: ['edge'],
  listAround: ['edge'],
  getPlaces: ['edge'],
  listEntries: ['edge'],
  listPlayers: ['edge'],
  projectStates: [],
  getDeployment: [],
} as const;

export type EdgeWorld = Awaited<ReturnType<typeof startEdgeWorld>>;

export async function startEdgeWorld({
  env = {},
  log = createSilentLog(),
}: {
  env?: Record<string, string>;
  log?: Log;
} = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-edge-'));
  const serviceKey = createServiceKey('edge');
  const digests = digestServiceKeys([serviceKey]);
  const servers = await startServers(dir, digests);
  const startNode = (more: Record<string, string> = {}) =>
    startEdge(
      parseEdgeConfig({
        EDGE_PORT: '0',
        REDIS_URL: servers.redisUrl(),
        SCORE_ADDRESS: `${HOST}:${servers.scorePort}`,
        RANK_ADDRESS: `${HOST}:${servers.rankPort}`,
        AUTH_ADDRESS: `${HOST}:${servers.authPort}`,
        SERVICE_KEY: serviceKey,
        ALLOWED_ORIGINS: 'http://localhost:8080,https://play.example',
        ...env,
        ...more,
      }),
      { log },
    );
  const node = await startNode();
  const base = `http://${HOST}:${node.port}`;
  const ready = (url: string) =>
    waitFor(async () => (await fetch(`${url}/readyz`)).ok || undefined, { describe: 'a ready edge' });
  await ready(base);

  return {
    ...{ node, base },
    ...servers,
    /** Another edge on the same servers. */
    async startNode(more: Record<string, string> = {}, { untilReady = true } = {}) {
      const another = await startNode(more);
      const url = `http://${HOST}:${another.port}`;
      if (untilReady) await ready(url);
      return { base: url, port: another.port, stop: () => another.stop() };
    },
    /** A metric of the node, summed over its label sets that contain the text. */
    metric: (name: string, label = '') => metricOf(node, name, label),
    async stop() {
      await node.stop();
      await servers.stopServers();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Redis, and the doubles of the services that an edge calls. */
async function startServers(dir: string, digests: ReturnType<typeof digestServiceKeys>) {
  let redis = await startRedisServer({ dataDir: dir });
  const score = createScoreDouble();
  const serveScore = (port = 0) =>
    serveDouble(
      registerService(ScoreService, score.handlers, { submitScore: ['edge'], submitScores: ['edge'] }),
      digests,
      port,
    );
  const serveRank = (port = 0) =>
    serveDouble(registerService(RankService, score.rankHandlers, RANK_CALLERS), digests, port);
  let [scoreServer, rankServer] = await Promise.all([serveScore(), serveRank()]);
  const [scorePort, rankPort] = [scoreServer.port, rankServer.port];
  const auth = await createAuthDouble('edge');
  const authServer = await serveDouble(auth.registration, digests);
  return {
    ...{ score, scorePort, rankPort, authPort: authServer.port, token: auth.token },
    redisUrl: () => redis.urlAs('edge'),
    stopScore: () => scoreServer.stop(),
    async startScore() {
      scoreServer = await serveScore(scorePort);
    },
    stopRank: () => rankServer.stop(),
    async startRank() {
      rankServer = await serveRank(rankPort);
    },
    async killRedis() {
      redis.kill('SIGKILL');
      await redis.exited;
    },
    pauseRedis: () => redis.kill('SIGSTOP'),
    resumeRedis: () => redis.kill('SIGCONT'),
    async startRedis() {
      redis = await startRedisServer({ dataDir: dir, port: redis.port });
    },
    async stopServers() {
      await Promise.all([redis.stop(), scoreServer.stop(), rankServer.stop(), authServer.stop()]);
    },
  };
}
