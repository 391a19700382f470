/** Puts a fan-out node together: events and polls into the hub, the hub's boards out to its sockets. */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createGrpcClient } from '../../services/shared/grpc/grpc.ts';
import { startAdminServer } from '../../services/shared/http/admin-server.ts';
import { createConnections } from '../../services/shared/net/connections.ts';
import { type Clock, systemClock } from '../../services/shared/settings/clock.ts';
import type { Log } from '../../services/shared/telemetry/log.ts';
import { createTokenVerifier } from '../../services/shared/tokens/token-verifier.ts';
import { DEFAULT_LEADERBOARD } from '../../services/shared/values/identifiers.ts';
import type { FanoutConfig } from './config.ts';
import { createFanoutMetrics, type FanoutMetrics } from './fanout-metrics.ts';
import { createBoardSource } from './feed/board-source.ts';
import { startFeed } from './feed/feed.ts';
import { createFreshness, type Freshness } from './feed/freshness.ts';
import { parseScoreEvent } from './feed/score-event.ts';
import { createHub, type Hub } from './hub/hub.ts';
import { createPersonal } from './hub/personal.ts';
import { EXPIRY_CHECK_MS } from './limits.ts';
import { connectionLimits, createAdmission } from './sockets/admission.ts';
import { createAuthentication } from './sockets/authentication.ts';
import { drainSockets } from './sockets/drain.ts';
import { createSessions } from './sockets/sessions.ts';
import { startSocketServer } from './sockets/socket-server.ts';

export interface FanoutService {
  readonly port: number;
  readonly adminPort: number;
  /** Sends the sockets away and closes everything. */
  stop(): Promise<void>;
}

export interface FanoutContext {
  log: Log;
  clock?: Clock;
}

const monotonicMs = () => performance.now();

export async function startFanout(
  config: FanoutConfig,
  { log, clock = systemClock }: FanoutContext,
): Promise<FanoutService> {
  const upstream = connectUpstream(config, clock, log);
  const metrics = createFanoutMetrics();
  const node = await startNode({ config, upstream, metrics, clock, log });
  const admin = await startAdminServer({
    host: config.adminHost,
    port: config.adminPort,
    metrics: metrics.registry,
    readiness: node.readiness,
    dependencies: node.dependencies,
    log,
  });
  return {
    port: node.port,
    adminPort: admin.port,
    async stop() {
      await node.stop();
      upstream.close();
      await admin.close();
    },
  };
}

/** The services that a node asks: for boards, and for the keys that verify tokens. */
function connectUpstream(
  { rankAddress, authAddress, identity, tokenPolicy }: FanoutConfig,
  clock: Clock,
  log: Log,
) {
  const rank = createGrpcClient(RankService, {
    address: rankAddress,
    ...identity,
    unavailable: 'RANK_UNAVAILABLE',
  });
  const auth = createGrpcClient(AuthService, {
    address: authAddress,
    ...identity,
    unavailable: 'AUTH_UNAVAILABLE',
  });
  const verifier = createTokenVerifier({ policy: tokenPolicy, auth, clock, log });
  return {
    rank,
    verifier,
    close() {
      verifier.close();
      rank.close();
      auth.close();
    },
  };
}

interface NodeParts {
  config: FanoutConfig;
  upstream: ReturnType<typeof connectUpstream>;
  metrics: FanoutMetrics;
  clock: Clock;
  log: Log;
}

/** Boards in, sockets out. */
async function startNode({ config, upstream, metrics, clock, log }: NodeParts) {
  const connections = createConnections({
    limits: connectionLimits(config),
    isExempt: (address) => config.addressLimitExempt.has(address) || config.trustedProxies.has(address),
    onRefused: (reason) => metrics.connectionsRefused.inc({ reason }),
    monotonicMs,
  });
  const admission = createAdmission({ ...config, monotonicMs });
  const personal = createPersonal();
  const authentication = createAuthentication({ verifier: upstream.verifier, personal, clock, log });
  const hub = createHub({
    permanent: [DEFAULT_LEADERBOARD],
    tickMs: config.tickMs,
    slowConsumerMs: config.slowConsumerMs,
    publish: (channel, frame) => server.publish(channel, frame),
    personal,
    onOpened: (channel) => freshness.open(channel),
    metrics,
    monotonicMs,
    now: () => clock.now(),
  });
  const firstBoard = DEFAULT_LEADERBOARD;
  const sessions = createSessions({ hub, admission, authentication, firstBoard, metrics, monotonicMs });
  upstream.verifier.onWithdrawn((isVoid) => authentication.closeVoid(sessions.connections, isVoid));
  let stopping = false;
  const readiness = () => ({ board: hub.find(firstBoard)?.published !== undefined, accepting: !stopping });
  const { host, port, allowedOrigins, trustedProxies } = config;
  const server = await startSocketServer({
    host,
    port,
    allowedOrigins,
    trustedProxies,
    connections,
    admission,
    sessions,
    readiness,
    metrics,
  });
  const feed = startFeed({
    natsUrl: config.natsUrl,
    log,
    onEvent: createEventReader(hub, (...event) => freshness.onEvent(...event), metrics, log),
    onChange() {
      if (feed.healthy) metrics.feedSessions.inc();
      freshness.onFeedChanged();
    },
    monotonicMs,
  });
  const source = createBoardSource(upstream.rank);
  const freshness = createFreshness({ hub, source, feed, sentinel: firstBoard, log, metrics, monotonicMs });
  freshness.check();
  const keepingOrder = setInterval(() => {
    authentication.closeExpired();
    hub.closeSlow();
  }, EXPIRY_CHECK_MS);
  metrics.watch({
    connections: () => connections.open,
    sockets: () => sessions.connections.size,
    authenticated: () => authentication.count,
    behind: () => hub.behind,
    boards: () => [...hub.channels()].length,
    feedHealthy: () => feed.healthy,
  });

  return {
    port: server.port,
    readiness,
    // Without the bus boards are polled; without rank they are stale.
    dependencies: () => ({ nats: feed.trouble(), rank: freshness.sourceTrouble() }),
    async stop() {
      stopping = true;
      server.stopListening();
      await drainSockets(sessions.connections, Math.random);
      clearInterval(keepingOrder);
      freshness.stop();
      await feed.stop();
      hub.stop();
      server.close();
    },
  };
}

function createEventReader(hub: Hub, onRead: Freshness['onEvent'], metrics: FanoutMetrics, log: Log) {
  return (payload: Uint8Array) => {
    try {
      const { leaderboard, board, players, committedAtMs, boardBehind } = parseScoreEvent(payload);
      if (board !== undefined) hub.offerBoard(board, committedAtMs);
      hub.offerPlayers(leaderboard, players);
      onRead(leaderboard, boardBehind);
      metrics.events.inc({ outcome: 'read' });
    } catch (error) {
      metrics.events.inc({ outcome: 'invalid' });
      log.error({ err: error }, 'an event could not be read');
    }
  };
}
