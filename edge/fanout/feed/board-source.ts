/** Reads boards from the rank service: those that are not known yet, and those for which the feed may have lost an event. */
import type { GetTopResponse, RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { positionFromWire } from '../../../services/shared/values/position.ts';
import type { Board } from '../frames/board-state.ts';
import { POLL_DEADLINE_MS } from './limits.ts';
import { exactNumber, rankEntries } from './score-event.ts';

const BOARD_ENTRIES = 10;

export interface ReadBoard {
  /** Undefined if the board has no position, so it cannot be compared with others. */
  readonly board: Board | undefined;
  /** The rank service cannot confirm that the board is fresh. */
  readonly stale: boolean;
  /** How long before the answer Postgres confirmed the board's index; undefined if the rank service does not say so. */
  readonly confirmedMs: number | undefined;
}

export type BoardSource = ReturnType<typeof createBoardSource>;

type Rank = Pick<GrpcClient<typeof RankService>, 'getTop'>;

export interface BoardSourceOptions {
  /** Each read is a call, so that none waits for the read of another board. */
  rank: Rank;
  /** A conversation for the board that is read several times a second. A request costs both ends a fraction of a call. */
  rankStream: Rank;
  oftenRead: string;
}

export function createBoardSource({ rank, rankStream, oftenRead }: BoardSourceOptions) {
  const inFlight = new Map<string, Promise<ReadBoard>>();

  async function readAnew(leaderboard: string): Promise<ReadBoard> {
    const { getTop } = leaderboard === oftenRead ? rankStream : rank;
    const top = await getTop({ leaderboard, limit: BOARD_ENTRIES }, { limitMs: POLL_DEADLINE_MS });
    const confirmedMs = top.confirmedMs === 0 ? undefined : top.confirmedMs;
    return { board: toBoard(leaderboard, top), stale: top.stale, confirmedMs };
  }

  return {
    /** Calls for the same board share one request. Rejects with AppError. */
    read(leaderboard: string): Promise<ReadBoard> {
      const known = inFlight.get(leaderboard);
      if (known !== undefined) return known;
      const reading = readAnew(leaderboard).finally(() => inFlight.delete(leaderboard));
      inFlight.set(leaderboard, reading);
      return reading;
    },
  };
}

/**
 * Entries at seq 0 were read from Postgres while the index was down. They may be newer than boards that come later with a greater
 * seq, so they have no position.
 */
function toBoard(leaderboard: string, { entries, position: message }: GetTopResponse): Board | undefined {
  const position = positionFromWire(message);
  if (position === undefined || (position.seq === 0n && entries.length > 0)) return undefined;
  return {
    leaderboard,
    epoch: exactNumber(position.epoch),
    seq: exactNumber(position.seq),
    entries: rankEntries(entries),
    cause: undefined,
  };
}
