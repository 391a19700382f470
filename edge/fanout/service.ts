/** Composes a fan-out node: events and polls bring boards to the hub, and the hub publishes them to the sockets. */
import { startAdminServer } from '../../services/shared/http/admin-server.ts';
import { createConnections } from '../../services/shared/net/connections.ts';
import { joinHostPort } from '../../services/shared/net/host-port.ts';
import { type Clock, systemClock } from '../../services/shared/settings/clock.ts';
import type { Log } from '../../services/shared/telemetry/log.ts';
import { createTokenRefusals } from '../../services/shared/tokens/rules/token-refusals.ts';
import { DEFAULT_LEADERBOARD } from '../../services/shared/values/identifiers.ts';
import type { FanoutConfig } from './config.ts';
import { createBoardSource } from './feed/board-source.ts';
import { createEventReader } from './feed/event-reader.ts';
import { Feed } from './feed/feed.ts';
import { createFindFeedStream } from './feed/feed-stream.ts';
import { Following } from './feed/following.ts';
import { Freshness } from './feed/freshness.ts';
import { Standings } from './feed/standings.ts';
import { Hub } from './hub/hub.ts';
import { Personal } from './hub/personal.ts';
import { createFanoutMetrics, type FanoutMetrics } from './metrics/fanout-metrics.ts';
import { connectionLimits, createAdmission } from './sockets/admission.ts';
import { createAuthentication } from './sockets/authentication.ts';
import { drainSockets } from './sockets/drain.ts';
import { Sessions } from './sockets/sessions.ts';
import { createSocketApp, type SocketApp } from './sockets/socket-app.ts';
import { startSocketServer } from './sockets/socket-server.ts';
import { connectUpstream, type Upstream } from './upstream.ts';

export interface FanoutContext {
  log: Log;
  clock?: Clock;
}

const monotonicMs = () => performance.now();
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

export async function startFanout(config: FanoutConfig, { log, clock = systemClock }: FanoutContext) {
  const metrics = createFanoutMetrics();
  const onRefused = createTokenRefusals(log, metrics.registry);
  const upstream = connectUpstream(config, metrics.registry, { clock, log, onRefused });
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
    address: joinHostPort(config.host, node.port),
    adminAddress: admin.address,
    /** Closes all sockets, each with a time to reconnect, and then everything else. */
    async stop() {
      await node.stop();
      upstream.close();
      await admin.close();
    },
  };
}

interface NodeParts {
  config: FanoutConfig;
  upstream: Upstream;
  metrics: FanoutMetrics;
  clock: Clock;
  log: Log;
}

/** Built in the order in which the parts depend on each other: boards, sockets that watch them, the feed that changes them. */
async function startNode(parts: NodeParts) {
  const { config, upstream, metrics, log } = parts;
  const socketApp = await createSocketApp();
  const boards = createBoards(parts, socketApp);
  const { hub, freshness, following, standings } = boards;
  const sockets = await startSockets(parts, socketApp, boards);
  const { authentication, connections, server, sessions } = sockets;
  const feed = new Feed({
    natsUrl: config.natsUrl,
    natsAccess: config.natsAccess,
    namespace: config.namespace,
    findStream: createFindFeedStream({ ...config, rank: upstream.rank }),
    log,
    metrics,
    onEvent: createEventReader({ hub, following, freshness, log, metrics }),
    onOpened: () => freshness.onFeedOpened(),
    onLost: (sinceMs) => freshness.onFeedLost(sinceMs),
    monotonicMs,
  });
  freshness.start(() => {
    authentication.closeExpired();
    hub.closeSlow();
    following.refresh();
  });
  feed.start();
  upstream.verifier.onWithdrawn((isVoid) => authentication.closeVoid(sessions.open, isVoid));
  metrics.watch({
    connections: () => connections.open,
    sockets: () => sessions.open.size,
    authenticated: () => authentication.count,
    behind: () => hub.behind,
    boards: () => hub.watched,
    followed: () => following.total,
    feedHealthy: () => feed.isHealthy,
  });

  return {
    port: server.port,
    readiness: server.readiness,
    // Without NATS boards are polled; without rank they are stale.
    dependencies: () => ({ nats: feed.trouble(), rank: freshness.sourceTrouble() }),
    async stop() {
      server.stopListening();
      await drainSockets(sessions.open, Math.random);
      standings.stop();
      following.stop();
      freshness.stop();
      await feed.stop();
      hub.stop();
      server.close();
    },
  };
}

function createBoards({ config, upstream, metrics, clock, log }: NodeParts, { publish }: SocketApp) {
  const personal = new Personal();
  const hub = new Hub({
    permanent: [DEFAULT_LEADERBOARD],
    tickMs: config.tickMs,
    slowConsumerMs: config.slowConsumerMs,
    publish,
    personal,
    metrics,
    monotonicMs,
    cpuMs,
    now: () => clock.now(),
  });
  const { rank, rankStream } = upstream;
  const source = createBoardSource({ rank, rankStream, oftenRead: DEFAULT_LEADERBOARD });
  const freshness = new Freshness({ hub, source, sentinel: DEFAULT_LEADERBOARD, log, metrics, monotonicMs });
  const standings = new Standings({ rank, personal, log });
  const following = new Following({ rank, log, monotonicMs });
  return { personal, hub, freshness, following, standings };
}

async function startSockets(
  { config, upstream, metrics, clock, log }: NodeParts,
  socketApp: SocketApp,
  { personal, hub, freshness, following, standings }: ReturnType<typeof createBoards>,
) {
  const { host, port, allowedOrigins, trustedProxies } = config;
  const connections = createConnections({
    limits: connectionLimits(config),
    isExempt: (address) => config.addressLimitExempt.has(address) || trustedProxies.has(address),
    onRefused: (reason) => metrics.connectionsRefused.inc({ reason }),
    monotonicMs,
  });
  const admission = createAdmission({ ...config, monotonicMs });
  const authentication = createAuthentication({
    verifier: upstream.verifier,
    onSignedIn(session) {
      standings.welcome(session);
      following.welcome(session);
    },
    ...{ personal, clock, log },
  });
  const sessions = new Sessions({
    hub,
    readBoard: (channel) => freshness.open(channel),
    readStanding: (session, channel) => standings.welcome(session, [channel]),
    following,
    admission,
    authentication,
    firstBoard: DEFAULT_LEADERBOARD,
    metrics,
    monotonicMs,
  });
  const server = await startSocketServer({
    ...{ host, port, allowedOrigins, trustedProxies },
    ...{ socketApp, connections, admission, sessions, metrics, log },
    readiness: () => ({ board: hub.find(DEFAULT_LEADERBOARD)?.published !== undefined }),
  });
  return { authentication, connections, server, sessions };
}
