/** The metrics of a fan-out node. */
import { createMetrics, LATENCY_BUCKETS, type Metrics } from '../../../services/shared/telemetry/metrics.ts';
import { CLOSE } from '../frames/close-codes.ts';

/** Values that are read at each scrape. */
export interface FanoutGauges {
  connections: () => number;
  sockets: () => number;
  authenticated: () => number;
  behind: () => number;
  boards: () => number;
  followed: () => number;
  feedHealthy: () => boolean;
}

export type FanoutMetrics = ReturnType<typeof createFanoutMetrics>;

/** Clients may close with any code. Only registered codes become labels, so that clients cannot create time series. */
const STANDARD_CODES = [1000, 1001, 1005, 1006, 1009];
const LABELLED_CODES = new Set<number>([...STANDARD_CODES, ...Object.values(CLOSE).map(({ code }) => code)]);

export function createFanoutMetrics(registry: Metrics = createMetrics('fanout')) {
  const closed = registry.counter('fanout_sockets_closed_total', 'Sockets closed, by close code.', ['code']);
  return {
    registry,
    requests: registry.counter(
      'fanout_requests_total',
      'Requests answered, by route and status; 101 is an upgrade to a socket.',
      ['route', 'status'],
    ),
    opened: registry.counter('fanout_sockets_opened_total', 'Sockets opened.'),
    refused: registry.counter('fanout_upgrades_refused_total', 'Upgrades refused, by reason.', ['reason']),
    onClosed: (code: number) => closed.inc({ code: LABELLED_CODES.has(code) ? String(code) : 'other' }),
    connectionsRefused: registry.counter(
      'fanout_connections_refused_total',
      'Connections closed at once, by reason.',
      ['reason'],
    ),
    framesDelivered: registry.counter(
      'fanout_frames_delivered_total',
      'Frames handed to sockets: one for each receiver of a broadcast, and each personal frame.',
      ['kind'],
    ),
    framesDropped: registry.counter(
      'fanout_frames_dropped_total',
      'Broadcast frames dropped at a socket that does not read fast enough.',
    ),
    conflated: registry.counter(
      'fanout_boards_conflated_total',
      'Boards that were replaced by a newer one before they were published.',
    ),
    publishes: registry.counter(
      'fanout_publishes_total',
      'Frames published, each to all sockets of a board.',
    ),
    publishSeconds: registry.histogram(
      'fanout_publish_seconds',
      'Time one tick takes, the writes to its sockets included.',
      LATENCY_BUCKETS,
    ),
    tickWidth: registry.gauge('fanout_tick_seconds', 'Time between ticks under load.'),
    commitToSocketSeconds: registry.histogram(
      'fanout_commit_to_socket_seconds',
      'Time from the commit of a score to the publication of the board that shows it.',
      LATENCY_BUCKETS,
    ),
    events: registry.counter('fanout_feed_events_total', 'Events from the feed, by outcome.', ['outcome']),
    feedSessions: registry.counter('fanout_feed_sessions_total', 'Times the feed was opened anew.'),
    resyncs: registry.counter('fanout_resyncs_total', 'Boards read from the rank service, by outcome.', [
      'outcome',
    ]),
    watch(gauges: FanoutGauges) {
      registry.gauge('fanout_connections', 'Open connections of the public port, sockets included.', {
        collect: gauges.connections,
      });
      registry.gauge('fanout_sockets', 'Open sockets.', { collect: gauges.sockets });
      registry.gauge('fanout_sockets_authenticated', 'Open sockets with a token.', {
        collect: gauges.authenticated,
      });
      registry.gauge('fanout_sockets_behind', 'Sockets that do not keep up.', { collect: gauges.behind });
      registry.gauge('fanout_boards', 'Boards that are watched.', { collect: gauges.boards });
      registry.gauge('fanout_followed_players', 'Players who are followed, each counted for each socket.', {
        collect: gauges.followed,
      });
      registry.gauge('fanout_feed_healthy', '1 while the feed is connected and answers.', {
        collect: () => Number(gauges.feedHealthy()),
      });
    },
  };
}
