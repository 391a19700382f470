/** Reads boards from the rank service: those that are not known yet, and those for which the feed may have lost an event. */
import type { GetTopResponse, RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { positionFromWire } from '../../../services/shared/values/position.ts';
import { DEFAULT_SIZE } from '../frames/board-size.ts';
import { type Board, firstOf } from '../frames/board-state.ts';
import type { Channel } from '../hub/channel.ts';
import { POLL_DEADLINE_MS } from './limits.ts';
import { exactNumber, rankEntries } from './score-event.ts';

export interface ReadBoard {
  /** Undefined if the board has no position, so it cannot be compared with others. */
  readonly board: Board | undefined;
  /** The rank service cannot confirm that the board is fresh. */
  readonly stale: boolean;
  /** How long before the answer Postgres confirmed the board's index; undefined if the rank service does not say so. */
  readonly confirmedMs: number | undefined;
}

type BoardInSize = Pick<Channel, 'leaderboard' | 'size' | 'key'>;

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

  async function readAnew({ leaderboard, size, key }: BoardInSize): Promise<ReadBoard> {
    const { getTop } = key === oftenRead ? rankStream : rank;
    // Positions are those of the default size, so that a smaller board is the beginning of one.
    const limit = Math.max(size, DEFAULT_SIZE);
    const top = await getTop({ leaderboard, limit }, { limitMs: POLL_DEADLINE_MS });
    const confirmedMs = top.confirmedMs === 0 ? undefined : top.confirmedMs;
    const board = toBoard(leaderboard, top);
    return { board: board && firstOf(board, size), stale: top.stale, confirmedMs };
  }

  return {
    /** Calls for the same board share one request. Rejects with AppError. */
    read(board: BoardInSize): Promise<ReadBoard> {
      const known = inFlight.get(board.key);
      if (known !== undefined) return known;
      const reading = readAnew(board).finally(() => inFlight.delete(board.key));
      inFlight.set(board.key, reading);
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
