/** The inner half of the product for tests: real servers, a real auth service and one or more real score services. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { LimitsService } from '../../gen/scoreboard/score/v1/limits_pb.ts';
import { OperatorService } from '../../gen/scoreboard/score/v1/operator_pb.ts';
import { ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { startAuth } from '../../services/auth/service.ts';
import { migrate } from '../../services/database/migrate.ts';
import { startNatsServer } from '../../services/local/nats-server.ts';
import { startPostgresServer } from '../../services/local/postgres-server.ts';
import { startRedisServer } from '../../services/local/redis-server.ts';
import { startScore } from '../../services/score/service.ts';
import { createGrpcClient, type GrpcClient } from '../../services/shared/grpc.ts';
import { createSilentLog, type Log } from '../../services/shared/log.ts';
import {
  createServiceKey,
  digestServiceKeys,
  SERVICE_NAMES,
  type ServiceName,
} from '../../services/shared/service-keys.ts';
import { pauseProcess, resumeProcess } from './pause-process.ts';

export interface ScoreWorld {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly natsUrl: string;
  readonly serviceKeys: Readonly<Record<ServiceName, string>>;
  readonly authAddress: string;
  readonly scoreAddresses: readonly string[];
  authAs(name: ServiceName): GrpcClient<typeof AuthService>;
  scoreAs(name: ServiceName, scoreService?: number): GrpcClient<typeof ScoreService>;
  scoreWithKey(key: string): GrpcClient<typeof ScoreService>;
  operatorAs(name: ServiceName): GrpcClient<typeof OperatorService>;
  limitsAs(name: ServiceName): GrpcClient<typeof LimitsService>;
  /** The sum of a metric of the first score service over all of its labels that match. */
  metric(name: string, label?: string): Promise<number>;
  /** What the first score service says about itself. */
  readiness(): Promise<{ status: number; body: { dependencies: Record<string, boolean> } }>;
  /** SIGSTOP to the server and all its children: it neither answers nor goes away. */
  pause(server: ServerName): void;
  resume(server: ServerName): void;
  /** Starts one more score service on the same servers, or rejects with why it refused. */
  startScoreService(): Promise<{ readonly port: number; stop(): Promise<void> }>;
  scoreAt(port: number, name: ServiceName): GrpcClient<typeof ScoreService>;
  killRedis(): Promise<void>;
  startRedis(): Promise<void>;
  killNats(): Promise<void>;
  startNats(options?: { empty?: boolean }): Promise<void>;
  killPostgres(): Promise<void>;
  startPostgres(): Promise<void>;
  stop(): Promise<void>;
}

export type ServerName = 'postgres' | 'redis' | 'nats';

const HOST = '127.0.0.1';

export async function startScoreWorld({
  scoreServices = 1,
  log = createSilentLog(),
}: {
  scoreServices?: number;
  /** Of the score services. */
  log?: Log;
}): Promise<ScoreWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-world-'));
  const dataDir = (name: string) => join(dir, name);
  let [postgres, redis, nats] = await Promise.all([
    startPostgresServer({ dataDir: dataDir('postgres') }),
    startRedisServer({ dataDir: dataDir('redis') }),
    startNatsServer({ dataDir: dataDir('nats') }),
  ]);
  const silent = createSilentLog();
  await migrate({ url: postgres.url, log: silent });

  const serviceKeys = Object.fromEntries(
    SERVICE_NAMES.map((name) => [name, createServiceKey(name)]),
  ) as Record<ServiceName, string>;
  const digests = digestServiceKeys(Object.values(serviceKeys));
  const listen = { host: HOST, port: 0, adminHost: HOST, adminPort: 0 };
  const auth = await startAuth(
    {
      ...listen,
      databaseUrl: postgres.url,
      keysDir: dataDir('auth-keys'),
      issuer: 'scoreboard',
      audience: 'scoreboard',
      tokenLifetimeS: 600,
      actionLifetimeS: 900,
      allowV0Signatures: false,
      digests,
    },
    { log: silent },
  );
  const authAddress = `${HOST}:${auth.port}`;
  const startService = () =>
    startScore(
      {
        ...listen,
        databaseUrl: postgres.url,
        redisUrl: redis.url,
        natsUrl: nats.url,
        authAddress,
        serviceKey: serviceKeys.score,
        digests,
      },
      { log },
    );
  const scores = await Promise.all(Array.from({ length: scoreServices }, startService));
  const scoreAddresses = scores.map(({ port }) => `${HOST}:${port}`);

  const clients = new Map<string, { close(): void }>();
  function clientOf<Client extends { close(): void }>(id: string, open: () => Client): Client {
    const known = clients.get(id) ?? open();
    clients.set(id, known);
    return known as Client;
  }
  const scoreClient = (serviceKey: string, address: string) =>
    clientOf(`score ${serviceKey} ${address}`, () =>
      createGrpcClient(ScoreService, { address, serviceKey, unavailable: 'SCORE_UNAVAILABLE' }),
    );

  return {
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    natsUrl: nats.url,
    serviceKeys,
    authAddress,
    scoreAddresses,
    authAs: (name) =>
      clientOf(`auth ${name}`, () =>
        createGrpcClient(AuthService, {
          address: authAddress,
          serviceKey: serviceKeys[name],
          unavailable: 'AUTH_UNAVAILABLE',
        }),
      ),
    scoreAs: (name, scoreService = 0) => scoreClient(serviceKeys[name], scoreAddresses[scoreService] ?? ''),
    scoreWithKey: (key) => scoreClient(key, scoreAddresses[0] ?? ''),
    operatorAs: (name) =>
      clientOf(`operator ${name}`, () =>
        createGrpcClient(OperatorService, {
          address: scoreAddresses[0] ?? '',
          serviceKey: serviceKeys[name],
          unavailable: 'SCORE_UNAVAILABLE',
        }),
      ),
    limitsAs: (name) =>
      clientOf(`limits ${name}`, () =>
        createGrpcClient(LimitsService, {
          address: scoreAddresses[0] ?? '',
          serviceKey: serviceKeys[name],
          unavailable: 'SCORE_UNAVAILABLE',
        }),
      ),
    async metric(name, label = '') {
      const text = await (await fetch(`http://${HOST}:${scores[0]?.adminPort}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    async readiness() {
      const response = await fetch(`http://${HOST}:${scores[0]?.adminPort}/readyz`);
      return { status: response.status, body: (await response.json()) as never };
    },
    pause: (server) => pauseProcess({ postgres, redis, nats }[server].pid),
    resume: (server) => resumeProcess({ postgres, redis, nats }[server].pid),
    startScoreService: startService,
    scoreAt: (port, name) => scoreClient(serviceKeys[name], `${HOST}:${port}`),
    async killRedis() {
      redis.kill('SIGKILL');
      await redis.stop();
    },
    async startRedis() {
      redis = await startRedisServer({ dataDir: dataDir('redis'), port: redis.port });
    },
    async killNats() {
      nats.kill('SIGKILL');
      await nats.stop();
    },
    async startNats({ empty = false } = {}) {
      if (empty) await rm(dataDir('nats'), { recursive: true, force: true });
      nats = await startNatsServer({ dataDir: dataDir('nats'), port: nats.port });
    },
    async killPostgres() {
      postgres.kill('SIGKILL');
      await postgres.stop();
    },
    async startPostgres() {
      postgres = await startPostgresServer({ dataDir: dataDir('postgres'), port: postgres.port });
    },
    async stop() {
      for (const client of clients.values()) client.close();
      await Promise.all(scores.map((score) => score.stop()));
      await auth.stop();
      await Promise.all([nats.stop(), redis.stop(), postgres.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
