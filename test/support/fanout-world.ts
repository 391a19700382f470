/** A real fan-out node with a real NATS, and rank and auth services that answer what the test says. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { startNatsServer } from '../../dev/servers/nats-server.ts';
import { parseFanoutConfig } from '../../edge/fanout/config.ts';
import { startFanout } from '../../edge/fanout/service.ts';
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { ScoreBatchSchema } from '../../gen/scoreboard/event/v1/event_pb.ts';
import { RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../services/shared/errors/app-error.ts';
import {
  type GrpcServer,
  type Handlers,
  registerService,
  startGrpcServer,
} from '../../services/shared/grpc/grpc.ts';
import { createServiceKey, digestServiceKeys } from '../../services/shared/identity/service-keys.ts';
import {
  connectNats,
  ensureScoreStream,
  type NatsConnection,
  scoreSubject,
} from '../../services/shared/stores/nats.ts';
import { createSilentLog, type Log } from '../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../services/shared/telemetry/metrics.ts';
import { waitFor } from './wait-for.ts';

export interface TestEntry {
  userId: string;
  score: number;
}

export interface TestBoard {
  leaderboard?: string;
  epoch?: number;
  seq: number;
  entries?: TestEntry[];
  /** What the rank service says about it. */
  stale?: boolean;
}

export interface TestPlayer {
  userId: string;
  score: number;
  rank: number;
  version: number;
}

const HOST = '127.0.0.1';

export type FanoutWorld = Awaited<ReturnType<typeof startFanoutWorld>>;

const entriesOf = ({ entries = [] }: TestBoard) =>
  entries.map(({ userId, score }) => ({ userId, username: userId, score: BigInt(score) }));

export async function startFanoutWorld({
  env = {},
  log = createSilentLog(),
}: {
  env?: Record<string, string>;
  log?: Log;
} = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'scoreboard-fanout-'));
  const keys = { fanout: createServiceKey('fanout') };
  const digests = digestServiceKeys(Object.values(keys));
  // Apart from the server's data, which a test may take away.
  const home = { dataDir: join(dir, 'nats'), secretsDir: join(dir, 'secrets') };
  let nats = await startNatsServer(home);
  const natsPort = nats.port;
  const rank = await startRankDouble(digests);
  const auth = await startAuthDouble(digests);
  const settings = {
    FANOUT_PORT: '0',
    NATS_URL: nats.urlAs('fanout'),
    RANK_ADDRESS: `${HOST}:${rank.port}`,
    AUTH_ADDRESS: `${HOST}:${auth.port}`,
    SERVICE_KEY: keys.fanout,
    ALLOWED_ORIGINS: 'http://localhost:8080,https://play.example',
    ...env,
  };
  const config = parseFanoutConfig(settings);
  const node = await startFanout(config, { log });
  let publisher: NatsConnection | undefined;

  /** What a score service does whenever it finds the bus: the stream is there. */
  async function openBus(): Promise<NatsConnection> {
    publisher ??= await connectNats({ url: nats.urlAs('score'), name: 'test', log });
    await ensureScoreStream(await publisher.jetstreamManager());
    return publisher;
  }
  await openBus();

  async function publish(board: TestBoard | undefined, players: TestPlayer[] = [], leaderboard = 'global') {
    const bus = await openBus();
    const name = board?.leaderboard ?? leaderboard;
    const [cause] = board?.entries ?? [];
    const batch = create(ScoreBatchSchema, {
      leaderboard: name,
      committedAtUnixMs: BigInt(Date.now()),
      players: players.map(({ userId, ...player }) => ({
        userId,
        username: userId,
        score: BigInt(player.score),
        rank: BigInt(player.rank),
        version: BigInt(player.version),
      })),
      ...(board && {
        board: {
          epoch: BigInt(board.epoch ?? 1),
          seq: BigInt(board.seq),
          entries: entriesOf(board),
          causeUserId: cause?.userId ?? '',
          causeScore: BigInt(cause?.score ?? 0),
        },
      }),
    });
    await bus.jetstream().publish(scoreSubject(name), toBinary(ScoreBatchSchema, batch));
  }

  async function metric(name: string): Promise<number> {
    const response = await fetch(`http://${HOST}:${node.adminPort}/metrics`);
    const lines = (await response.text()).split('\n').filter((line) => line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async function killNats(): Promise<void> {
    await publisher?.close();
    publisher = undefined;
    nats.kill('SIGKILL');
    await nats.exited;
  }

  return {
    node,
    config,
    url: `ws://${HOST}:${node.port}/live`,
    rank,
    auth,
    publish,
    metric,
    /** Resolves once the node reads events. */
    feedHealthy: () => waitFor(async () => (await metric('fanout_feed_healthy')) === 1 || undefined),
    /** Another node on the same servers. */
    async startNode(more: Record<string, string> = {}) {
      const another = await startFanout(parseFanoutConfig({ ...settings, ...more }), { log });
      return { url: `ws://${HOST}:${another.port}/live`, adminPort: another.adminPort, stop: another.stop };
    },
    killNats,
    pauseNats: () => nats.kill('SIGSTOP'),
    resumeNats: () => nats.kill('SIGCONT'),
    async startNats({ empty = false } = {}) {
      if (empty) await rm(home.dataDir, { recursive: true, force: true });
      nats = await startNatsServer({ ...home, port: natsPort });
      await openBus();
    },
    /** In its place another, which knows none of our users. */
    async startForeignNats() {
      nats = await startNatsServer({ ...home, secretsDir: join(dir, 'foreign'), port: natsPort });
    },
    async deleteStream() {
      const admin = await connectNats({ url: nats.url, name: 'admin', log });
      await (await admin.jetstreamManager()).streams.delete('SCORES');
      await admin.close();
    },
    async stop() {
      await node.stop();
      await publisher?.close();
      await Promise.all([nats.stop(), rank.stop(), auth.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

type Digests = ReturnType<typeof digestServiceKeys>;

/** A rank service whose boards the test sets. */
async function startRankDouble(digests: Digests) {
  const boards = new Map<string, TestBoard>();
  let down = false;
  let reads = 0;
  const refuse = () => Promise.reject(new AppError('CALLER_NOT_ALLOWED'));
  const handlers: Handlers<typeof RankService> = {
    projectStates: refuse,
    getRank: refuse,
    listAround: refuse,
    getPlaces: refuse,
    async getTop({ leaderboard }) {
      reads += 1;
      if (down) throw new AppError('STORE_UNAVAILABLE');
      const board = boards.get(leaderboard) ?? { seq: 0 };
      const position = { leaderboard, epoch: BigInt(board.epoch ?? 1), seq: BigInt(board.seq) };
      return { entries: entriesOf(board), position, stale: board.stale ?? false };
    },
  };
  const allow = {
    projectStates: [],
    getRank: [],
    listAround: [],
    getPlaces: [],
    getTop: ['fanout'],
  } as const;
  const server = await startService(registerService(RankService, handlers, allow), digests);
  return {
    port: server.port,
    stop: () => server.stop(),
    set(board: TestBoard) {
      boards.set(board.leaderboard ?? 'global', board);
    },
    /** Boards that were read so far. */
    get reads() {
      return reads;
    },
    setDown(isDown: boolean) {
      down = isDown;
    },
  };
}

/** An auth service with one key. */
async function startAuthDouble(digests: Digests) {
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
  const allow = {
    issueToken: [],
    verifyToken: [],
    signAction: [],
    signActions: [],
    verifyActions: [],
    getKeySet: ['fanout'],
  } as const;
  const server = await startService(registerService(AuthService, handlers, allow), digests);
  return {
    port: server.port,
    stop: () => server.stop(),
    async token(userId: string, lifetimeS = 600): Promise<string> {
      const issuedAt = Math.floor(Date.now() / 1000);
      return new SignJWT({ name: userId })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
        .setIssuer('scoreboard')
        .setAudience('scoreboard')
        .setSubject(userId)
        .setJti(crypto.randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeS)
        .sign(privateKey);
    },
  };
}

function startService(service: ReturnType<typeof registerService>, digests: Digests): Promise<GrpcServer> {
  const metrics = createMetrics('test', { runtime: false });
  return startGrpcServer({
    host: HOST,
    port: 0,
    services: [service],
    digests,
    log: createSilentLog(),
    metrics,
  });
}
