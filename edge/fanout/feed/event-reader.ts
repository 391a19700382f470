/** Brings each event of the feed to the hub: the newest board, the players' own states, and whether the board is behind. */
import type { Log } from '../../../services/shared/telemetry/log.ts';
import type { Hub } from '../hub/hub.ts';
import type { FanoutMetrics } from '../metrics/fanout-metrics.ts';
import type { Following } from './following.ts';
import type { Freshness } from './freshness.ts';
import { parseScoreEvent } from './score-event.ts';

export interface EventReaderOptions {
  hub: Pick<Hub, 'offerBoard' | 'offerPlayers'>;
  following: Pick<Following, 'offer'>;
  freshness: Pick<Freshness, 'onEvent'>;
  log: Log;
  metrics: Pick<FanoutMetrics, 'events'>;
}

/** An event that cannot be read is logged and skipped; polls repair its board. */
export function createEventReader({ hub, following, freshness, log, metrics }: EventReaderOptions) {
  return (payload: Uint8Array): void => {
    try {
      const { leaderboard, board, players, committedAtMs, boardBehind } = parseScoreEvent(payload);
      if (board !== undefined) hub.offerBoard(board, committedAtMs);
      hub.offerPlayers(leaderboard, players);
      following.offer(leaderboard, players);
      freshness.onEvent(leaderboard, boardBehind);
      metrics.events.inc({ outcome: 'read' });
    } catch (error) {
      metrics.events.inc({ outcome: 'invalid' });
      log.error({ err: error }, 'event not read: it is malformed');
    }
  };
}
