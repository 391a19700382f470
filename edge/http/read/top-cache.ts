/**
 * The cached tops of all leaderboards. A submission through this edge reports the position that it led to, and from then on
 * no older top is served here: a client that writes through this edge reads its own write.
 *
 * Requests may name boards that do not exist, so boards without a score are kept apart from the others: invented names
 * displace only each other.
 */
import type { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createShares } from '../../../services/shared/net/shares.ts';
import type { Metrics } from '../../../services/shared/telemetry/metrics.ts';
import { type Position, positionFromWire } from '../../../services/shared/values/position.ts';
import { CachedBoard, type CachedTop } from './cached-board.ts';

export interface TopCacheOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'getTop'>;
  metrics: Metrics;
  monotonicMs?: () => number;
}

/** Boards with a score, and as many without. */
const MAX_BOARDS = 1_000;
/** Concurrent readings of boards without a score. Each costs 0.2 ms of processor time here and at rank: 0.1 s of work. */
const MAX_EMPTY_READINGS = 500;
const RETRY_OVERLOADED_MS = 1_000;

export type TopCache = ReturnType<typeof createTopCache>;

export function createTopCache({ rank, metrics, monotonicMs = () => performance.now() }: TopCacheOptions) {
  const readings = metrics.counter('edge_top_readings_total', 'Readings of a top from rank.', ['outcome']);
  const emptyReadings = createShares(MAX_EMPTY_READINGS);
  /** By leaderboard, least recently read first. */
  const withScores = new Map<string, CachedBoard>();
  const empty = new Map<string, CachedBoard>();
  const find = (leaderboard: string) => withScores.get(leaderboard) ?? empty.get(leaderboard);

  function open(leaderboard: string): CachedBoard {
    const board = new CachedBoard({
      leaderboard,
      rank,
      monotonicMs,
      onReading: touch,
      onFirstScore(scored) {
        empty.delete(scored.leaderboard);
        touch(scored);
      },
      onRead: (outcome) => readings.inc({ outcome }),
    });
    touch(board);
    return board;
  }

  /** Marks a board as read, and drops the least recently read one if there are too many. */
  function touch(board: CachedBoard): void {
    const { leaderboard } = board;
    const boards = board.hasScores ? withScores : empty;
    // Deleted first, so that the map's order is that of use.
    boards.delete(leaderboard);
    boards.set(leaderboard, board);
    if (boards.size <= MAX_BOARDS) return;
    const [oldest = leaderboard] = boards.keys();
    boards.delete(oldest);
  }

  /** All requests that wait for one board without a score take one place together, in the name of the first. */
  function takePlace(board: CachedBoard, holders: readonly string[]): (() => void) | undefined {
    if (board.hasScores) return undefined;
    const giveBack = emptyReadings.take(holders);
    if (giveBack === undefined) throw new AppError('OVERLOADED', { retryAfterMs: RETRY_OVERLOADED_MS });
    return giveBack;
  }

  return {
    /**
     * The top of a board: without a promise while it is fresh, else after one shared reading. While rank does not answer,
     * the last known top, marked stale. Refuses with OVERLOADED if too many boards without a score are being read, in all
     * or by these holders.
     */
    get(leaderboard: string, holders: readonly string[] = []): CachedTop | Promise<CachedTop> {
      const board = find(leaderboard) ?? open(leaderboard);
      return board.current() ?? board.wait(() => takePlace(board, holders));
    },
    /** Takes note of the position in a writer's answer. */
    observe({ leaderboard, ...told }: Position & { readonly leaderboard: string }): void {
      const position = positionFromWire(told);
      if (position !== undefined) find(leaderboard)?.observe(position);
    },
  };
}
