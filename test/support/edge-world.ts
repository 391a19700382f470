/** A real edge node with a real Redis, and score, rank and auth services that answer what the test says. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { startRedisServer } from '../../dev/servers/redis-server.ts';
import { parseEdgeConfig } from '../../edge/http/config.ts';
import { startEdge } from '../../edge/http/service.ts';
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../services/shared/errors/app-error.ts';
import {
  type GrpcServer,
  type Handlers,
  registerService,
  startGrpcServer,
} from '../../services/shared/grpc/grpc.ts';
import { createServiceKey, digestServiceKeys } from '../../services/shared/identity/service-keys.ts';
import { createSilentLog, type Log } from '../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../services/shared/telemetry/metrics.ts';
import { createScoreDouble } from './score-double.ts';
import { waitFor } from './wait-for.ts';

const HOST = '127.0.0.1';
const silent = createSilentLog();

export type EdgeWorld = Awaited<ReturnType<typeof startEdgeWorld>>;

export async function startEdgeWorld({
  env = {},
  log = silent,
}: {
  env?: Record<string, string>;
  log?: Log;
} = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-edge-'));
  const serviceKey = createServiceKey('edge');
  const digests = digestServiceKeys([serviceKey]);
  let redis = await startRedisServer({ dataDir: dir });
  const score = createScoreDouble();
  const startScore = (port: number) =>
    startService(
      registerService(ScoreService, score.handlers, {
        submitScore: ['edge'],
        submitScores: ['edge'],
      }),
      port,
    );
  const startRank = (port: number) =>
    startService(
      registerService(RankService, score.rankHandlers, {
        getTop: ['edge'],
        getRank: ['edge'],
        listAround: ['edge'],
        getPlaces: ['edge'],
        projectStates: [],
      }),
      port,
    );
  let [scoreServer, rankServer] = await Promise.all([startScore(0), startRank(0)]);
  const [scorePort, rankPort] = [scoreServer.port, rankServer.port];
  const auth = await createAuthDouble();
  const authServer = await startService(auth.registration, 0);

  function startService(service: ReturnType<typeof registerService>, port: number): Promise<GrpcServer> {
    const metrics = createMetrics('test', { runtime: false });
    return startGrpcServer({ host: HOST, port, services: [service], digests, log: silent, metrics });
  }

  const startNode = (more: Record<string, string> = {}) =>
    startEdge(
      parseEdgeConfig({
        EDGE_PORT: '0',
        REDIS_URL: redis.urlAs('edge'),
        SCORE_ADDRESS: `${HOST}:${scorePort}`,
        RANK_ADDRESS: `${HOST}:${rankPort}`,
        AUTH_ADDRESS: `${HOST}:${authServer.port}`,
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
    node,
    base,
    score,
    /** A token of this player, named after the id unless told otherwise. */
    token: auth.token,
    /** Another edge on the same servers. */
    async startNode(more: Record<string, string> = {}, { untilReady = true } = {}) {
      const another = await startNode(more);
      const url = `http://${HOST}:${another.port}`;
      if (untilReady) await ready(url);
      return { base: url, port: another.port, stop: () => another.stop() };
    },
    /** The sum of a metric over all of its labels that match. */
    async metric(name: string, label = ''): Promise<number> {
      const text = await (await fetch(`http://${HOST}:${node.adminPort}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    async stopScore() {
      await scoreServer.stop();
    },
    async stopRank() {
      await rankServer.stop();
    },
    async startRank() {
      rankServer = await startRank(rankPort);
    },
    async startScore() {
      scoreServer = await startScore(scorePort);
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
    async stop() {
      await node.stop();
      await Promise.all([redis.stop(), scoreServer.stop(), rankServer.stop(), authServer.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** An auth service with one key. */
async function createAuthDouble() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  const refuse = () => Promise.reject(new AppError('CALLER_NOT_ALLOWED'));
  const handlers: Handlers<typeof AuthService> = {
    issueToken: refuse,
    verifyToken: refuse,
    signAction: refuse,
    signActions: refuse,
    verifyActions: refuse,
    getKeySet: async () => ({ jwksJson: JSON.stringify({ keys: [jwk] }) }),
  };
  return {
    registration: registerService(AuthService, handlers, {
      issueToken: [],
      verifyToken: [],
      signAction: [],
      signActions: [],
      verifyActions: [],
      getKeySet: ['edge'],
    }),
    async token(userId: string, { name = userId, expiresInS = 600, audience = 'scoreboard' } = {}) {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ name })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
        .setIssuer('scoreboard')
        .setAudience(audience)
        .setSubject(userId)
        .setJti(crypto.randomUUID())
        .setIssuedAt(Math.min(now, now + expiresInS - 600))
        .setExpirationTime(now + expiresInS)
        .sign(privateKey);
    },
  };
}
