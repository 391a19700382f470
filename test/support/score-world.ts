/** The inner half of the product for tests: real servers, a real auth service, and any number of real score and rank services. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNatsServer } from '../../dev/servers/nats-server.ts';
import { startPostgresServer } from '../../dev/servers/postgres-server.ts';
import { startRedisServer } from '../../dev/servers/redis-server.ts';
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { IndexService } from '../../gen/scoreboard/rank/v1/index_pb.ts';
import { RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AuditService } from '../../gen/scoreboard/score/v1/audit_pb.ts';
import { LimitsService } from '../../gen/scoreboard/score/v1/limits_pb.ts';
import { OperatorService } from '../../gen/scoreboard/score/v1/operator_pb.ts';
import { ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { startAuth } from '../../services/auth/service.ts';
import { migrate } from '../../services/database/migrate.ts';
import type { StoreUser } from '../../services/provision/store-passwords.ts';
import { startRank } from '../../services/rank/service.ts';
import type { ScoreConfig } from '../../services/score/config.ts';
import { startScore } from '../../services/score/service.ts';
import { createAuditKey, parseAuditKey } from '../../services/shared/audit-chain/audit-chain.ts';
import { createGrpcClient, type GrpcClient } from '../../services/shared/grpc/grpc.ts';
import { certificateFiles, readTlsCredentials } from '../../services/shared/identity/service-certificate.ts';
import type { ServiceIdentity } from '../../services/shared/identity/service-identity.ts';
import {
  createServiceKey,
  digestServiceKeys,
  SERVICE_NAMES,
  type ServiceName,
} from '../../services/shared/identity/service-keys.ts';
import { type Clock, systemClock } from '../../services/shared/settings/clock.ts';
import { Secret } from '../../services/shared/settings/secret.ts';
import type { DatabaseService } from '../../services/shared/stores/database-roles.ts';
import { createSilentLog, type Log } from '../../services/shared/telemetry/log.ts';
import { setJetStream } from './jetstream.ts';
import { limitFileSize } from './limit-file-size.ts';
import { pauseProcess, resumeProcess } from './pause-process.ts';

/** Whether methods that have a conversation are asked in it. */
type Way = 'calls' | 'conversations';

export interface ScoreWorld {
  /** Of the administrators; each service comes by a user of its own. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly natsUrl: string;
  databaseUrlAs(service: DatabaseService): string;
  redisUrlAs(user: StoreUser<'redis'>): string;
  natsUrlAs(user: StoreUser<'nats'>): string;
  readonly serviceKeys: Readonly<Record<ServiceName, string>>;
  readonly authAddress: string;
  /** Where the auth service keeps its keys. */
  readonly keysDir: string;
  readonly scoreAddresses: readonly string[];
  readonly rankAddresses: readonly string[];
  authAs(name: ServiceName, how?: Way): GrpcClient<typeof AuthService>;
  scoreAs(name: ServiceName, scoreService?: number, how?: Way): GrpcClient<typeof ScoreService>;
  rankAs(name: ServiceName, rankService?: number, how?: Way): GrpcClient<typeof RankService>;
  rankWithKey(key: string): GrpcClient<typeof RankService>;
  indexAs(name: ServiceName): GrpcClient<typeof IndexService>;
  scoreWithKey(key: string): GrpcClient<typeof ScoreService>;
  operatorAs(name: ServiceName): GrpcClient<typeof OperatorService>;
  auditAs(name: ServiceName): GrpcClient<typeof AuditService>;
  limitsAs(name: ServiceName): GrpcClient<typeof LimitsService>;
  readonly auditKey: Buffer;
  /** The sum of a metric of the first score service over all of its labels that match. */
  metric(name: string, label?: string): Promise<number>;
  /** The same of the first rank service. */
  rankMetric(name: string, label?: string): Promise<number>;
  /** What the first score service says about itself. */
  readiness(): Promise<Readiness>;
  /** What the first rank service says about itself. */
  rankReadiness(): Promise<Readiness>;
  /** SIGSTOP to the server and all its children: it neither answers nor goes away. */
  pause(server: ServerName): void;
  resume(server: ServerName): void;
  /** From now on no file of the server's processes grows beyond this. */
  limitFiles(server: ServerName, bytes: number | 'unlimited'): void;
  /** Starts one more score service on the same servers, or rejects with why it refused. */
  startScoreService(
    changes?: Partial<ScoreConfig>,
  ): Promise<{ readonly port: number; stop(): Promise<void> }>;
  scoreAt(port: number, name: ServiceName): GrpcClient<typeof ScoreService>;
  /** One more rank service likewise. */
  startRankService(): Promise<{ readonly port: number; stop(): Promise<void> }>;
  rankAt(port: number, name: ServiceName): GrpcClient<typeof RankService>;
  /** Ends a score service of the world. */
  stopScore(scoreService?: number): Promise<void>;
  /** Ends a rank service of the world. */
  stopRank(rankService?: number): Promise<void>;
  /** Starts it again, at the same port. */
  startRank(rankService?: number): Promise<void>;
  killRedis(): Promise<void>;
  startRedis(): Promise<void>;
  killNats(): Promise<void>;
  startNats(options?: { empty?: boolean }): Promise<void>;
  /** The server goes on and answers. */
  setJetStream(isEnabled: boolean): void;
  killPostgres(): Promise<void>;
  startPostgres(): Promise<void>;
  stop(): Promise<void>;
}

interface Readiness {
  readonly status: number;
  readonly body: {
    readonly dependencies: Record<string, boolean>;
    readonly without?: Record<string, string>;
  };
}

export type ServerName = 'postgres' | 'redis' | 'nats';

const HOST = '127.0.0.1';

export async function startScoreWorld({
  scoreServices = 1,
  rankServices = 1,
  betweenScoreAndRank = async (address) => address,
  certificates,
  log = createSilentLog(),
  clock = systemClock,
}: {
  scoreServices?: number;
  /** The score service at a place asks the rank service at that place, beginning again where there are fewer. */
  rankServices?: number;
  /** Where score services find the rank service of an address: a proxy before it, for example. */
  betweenScoreAndRank?: (rankAddress: string) => Promise<string>;
  /** A folder with certificates, by which services then know each other; they use keys without it. */
  certificates?: string;
  /** Of the auth service. */
  clock?: Clock;
  /** Of the score and rank services. */
  log?: Log;
}): Promise<ScoreWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-world-'));
  const dataDir = (name: string) => join(dir, name);
  // Apart from the servers' data, which a test may take away.
  const home = (name: ServerName) => ({ dataDir: dataDir(name), secretsDir: dataDir('secrets') });
  let [postgres, redis, nats] = await Promise.all([
    startPostgresServer(home('postgres')),
    startRedisServer(home('redis')),
    startNatsServer(home('nats')),
  ]);
  const silent = createSilentLog();
  await migrate({ url: postgres.url, log: silent, roles: postgres.roles });

  const serviceKeys = Object.fromEntries(
    SERVICE_NAMES.map((name) => [name, createServiceKey(name)]),
  ) as Record<ServiceName, string>;
  const digests = digestServiceKeys(Object.values(serviceKeys));
  const auditKey = createAuditKey();
  const certificateOf = (name: ServiceName, dir: string) =>
    readTlsCredentials(certificateFiles(dir, name), name, Date.now());
  const identityOf = (name: ServiceName): ServiceIdentity =>
    certificates === undefined
      ? { serviceKey: serviceKeys[name] }
      : { tls: certificateOf(name, certificates) };
  const callersOf = (name: ServiceName) =>
    certificates === undefined ? { digests } : { tls: certificateOf(name, certificates) };
  const listen = { host: HOST, port: 0, adminHost: HOST, adminPort: 0 };
  const auth = await startAuth(
    {
      ...listen,
      databaseUrl: new Secret(postgres.urlAs('auth')),
      keysDir: dataDir('auth-keys'),
      issuer: 'scoreboard',
      audience: 'scoreboard',
      tokenLifetimeS: 600,
      actionLifetimeS: 900,
      allowV0Signatures: false,
      callers: callersOf('auth'),
      reflection: true,
    },
    { log: silent, clock },
  );
  const authAddress = `${HOST}:${auth.port}`;
  const startRankService = (port = 0) =>
    startRank(
      {
        ...listen,
        port,
        databaseUrl: new Secret(postgres.urlAs('rank')),
        redisUrl: new Secret(redis.urlAs('rank')),
        natsUrl: new Secret(nats.urlAs('rank')),
        callers: callersOf('rank'),
        reflection: true,
      },
      { log },
    );
  const ranks = await Promise.all(Array.from({ length: rankServices }, () => startRankService()));
  const rankPorts = ranks.map(({ port }) => port);
  const rankAddresses = rankPorts.map((port) => `${HOST}:${port}`);
  const addressesForScore = await Promise.all(rankAddresses.map(betweenScoreAndRank));
  const startService = (changes: Partial<ScoreConfig> = {}, at = 0) =>
    startScore(
      {
        ...listen,
        databaseUrl: new Secret(postgres.urlAs('score')),
        natsUrl: new Secret(nats.urlAs('score')),
        authAddress,
        rankAddress: addressesForScore[at % rankServices] ?? '',
        identity: identityOf('score'),
        callers: callersOf('score'),
        reflection: true,
        auditKey: new Secret(auditKey),
        ...{ auditKeySource: 'AUDIT_KEY', newAuditKeyAfter: undefined, ...changes },
      },
      { log },
    );
  const scores = await Promise.all(Array.from({ length: scoreServices }, (_, at) => startService({}, at)));
  const scoreAddresses = scores.map(({ port }) => `${HOST}:${port}`);

  const clients = new Map<string, { close(): void }>();
  function clientOf<Client extends { close(): void }>(id: string, open: () => Client): Client {
    const known = clients.get(id) ?? open();
    clients.set(id, known);
    return known as Client;
  }
  const scoreClient = (name: ServiceName, address: string, how: Way = 'calls') =>
    clientOf(`score ${name} ${address} ${how}`, () =>
      createGrpcClient(ScoreService, {
        ...{ address, ...identityOf(name), unavailable: 'SCORE_UNAVAILABLE' },
        conversations: how === 'conversations' ? ['submitScores'] : [],
      }),
    );
  const rankClient = (name: ServiceName, address: string, how: Way = 'calls') =>
    clientOf(`rank ${name} ${address} ${how}`, () =>
      createGrpcClient(RankService, {
        ...{ address, ...identityOf(name), unavailable: 'RANK_UNAVAILABLE' },
        conversations: how === 'conversations' ? ['projectStates'] : [],
      }),
    );
  const adminPage = (unit: { adminPort: number } | undefined, path: string) =>
    fetch(`http://${HOST}:${unit?.adminPort}${path}`);
  async function metricOf(unit: { adminPort: number } | undefined, name: string, label: string) {
    const text = await (await adminPage(unit, '/metrics')).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
  async function readinessOf(unit: { adminPort: number } | undefined): Promise<Readiness> {
    const response = await adminPage(unit, '/readyz');
    return { status: response.status, body: (await response.json()) as Readiness['body'] };
  }

  return {
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    natsUrl: nats.url,
    databaseUrlAs: (service) => postgres.urlAs(service),
    redisUrlAs: (user) => redis.urlAs(user),
    natsUrlAs: (user) => nats.urlAs(user),
    serviceKeys,
    auditKey: parseAuditKey(auditKey),
    authAddress,
    keysDir: dataDir('auth-keys'),
    scoreAddresses,
    rankAddresses,
    authAs: (name, how = 'calls') =>
      clientOf(`auth ${name} ${how}`, () =>
        createGrpcClient(AuthService, {
          address: authAddress,
          ...identityOf(name),
          unavailable: 'AUTH_UNAVAILABLE',
          conversations: how === 'conversations' ? ['verifyActions'] : [],
        }),
      ),
    scoreAs: (name, scoreService = 0, how = 'calls') =>
      scoreClient(name, scoreAddresses[scoreService] ?? '', how),
    rankAs: (name, rankService = 0, how = 'calls') => rankClient(name, rankAddresses[rankService] ?? '', how),
    rankWithKey: (serviceKey) =>
      clientOf(`rank ${serviceKey}`, () =>
        createGrpcClient(RankService, {
          address: rankAddresses[0] ?? '',
          serviceKey,
          unavailable: 'RANK_UNAVAILABLE',
        }),
      ),
    indexAs: (name) =>
      clientOf(`index ${name}`, () =>
        createGrpcClient(IndexService, {
          address: rankAddresses[0] ?? '',
          ...identityOf(name),
          unavailable: 'RANK_UNAVAILABLE',
        }),
      ),
    scoreWithKey: (serviceKey) =>
      clientOf(`score ${serviceKey}`, () =>
        createGrpcClient(ScoreService, {
          address: scoreAddresses[0] ?? '',
          serviceKey,
          unavailable: 'SCORE_UNAVAILABLE',
        }),
      ),
    operatorAs: (name) =>
      clientOf(`operator ${name}`, () =>
        createGrpcClient(OperatorService, {
          address: scoreAddresses[0] ?? '',
          ...identityOf(name),
          unavailable: 'SCORE_UNAVAILABLE',
        }),
      ),
    auditAs: (name) =>
      clientOf(`audit ${name}`, () =>
        createGrpcClient(AuditService, {
          address: scoreAddresses[0] ?? '',
          ...identityOf(name),
          unavailable: 'SCORE_UNAVAILABLE',
        }),
      ),
    limitsAs: (name) =>
      clientOf(`limits ${name}`, () =>
        createGrpcClient(LimitsService, {
          address: scoreAddresses[0] ?? '',
          ...identityOf(name),
          unavailable: 'SCORE_UNAVAILABLE',
        }),
      ),
    metric: (name, label = '') => metricOf(scores[0], name, label),
    rankMetric: (name, label = '') => metricOf(ranks[0], name, label),
    readiness: () => readinessOf(scores[0]),
    rankReadiness: () => readinessOf(ranks[0]),
    pause: (server) => pauseProcess({ postgres, redis, nats }[server].pid),
    resume: (server) => resumeProcess({ postgres, redis, nats }[server].pid),
    limitFiles: (server, bytes) => limitFileSize({ postgres, redis, nats }[server].pid, bytes),
    startScoreService: (changes = {}) => startService(changes),
    startRankService: () => startRankService(),
    rankAt: (port, name) => rankClient(name, `${HOST}:${port}`),
    async stopScore(at = 0) {
      await scores[at]?.stop();
      delete scores[at];
    },
    async stopRank(at = 0) {
      await ranks[at]?.stop();
      delete ranks[at];
    },
    async startRank(at = 0) {
      ranks[at] = await startRankService(rankPorts[at]);
    },
    scoreAt: (port, name) => scoreClient(name, `${HOST}:${port}`),
    async killRedis() {
      redis.kill('SIGKILL');
      await redis.stop();
    },
    async startRedis() {
      redis = await startRedisServer({ ...home('redis'), port: redis.port });
    },
    async killNats() {
      nats.kill('SIGKILL');
      await nats.stop();
    },
    async startNats({ empty = false } = {}) {
      if (empty) await rm(dataDir('nats'), { recursive: true, force: true });
      nats = await startNatsServer({ ...home('nats'), port: nats.port });
    },
    setJetStream: (isEnabled) => setJetStream({ dataDir: dataDir('nats'), pid: nats.pid }, isEnabled),
    async killPostgres() {
      postgres.kill('SIGKILL');
      await postgres.stop();
    },
    async startPostgres() {
      postgres = await startPostgresServer({ ...home('postgres'), port: postgres.port });
    },
    async stop() {
      for (const client of clients.values()) client.close();
      await Promise.all(scores.map((score) => score.stop()));
      await Promise.all(ranks.map((rank) => rank.stop()));
      await auth.stop();
      await Promise.all([nats.stop(), redis.stop(), postgres.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
