/** Reads a board from the rank service: for boards not known yet, and to repair whatever the feed may have lost. */
import type { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import type { Board } from '../hub/board-state.ts';
import { POLL_DEADLINE_MS } from '../limits.ts';
import { exactNumber, rankEntries } from './score-event.ts';

const BOARD_ENTRIES = 10;

export interface ReadBoard {
  readonly board: Board;
  /** The rank service itself can't vouch for it. */
  readonly stale: boolean;
}

export interface BoardSource {
  /** Calls for the same board share one request. Rejects with AppError. */
  read(leaderboard: string): Promise<ReadBoard>;
}

export function createBoardSource(rank: Pick<GrpcClient<typeof RankService>, 'getTop'>): BoardSource {
  const underWay = new Map<string, Promise<ReadBoard>>();

  async function readAnew(leaderboard: string): Promise<ReadBoard> {
    const { entries, position, stale } = await rank.getTop(
      { leaderboard, limit: BOARD_ENTRIES },
      { deadlineMs: POLL_DEADLINE_MS },
    );
    const board = {
      leaderboard,
      epoch: exactNumber(position?.epoch ?? 0n),
      seq: exactNumber(position?.seq ?? 0n),
      entries: rankEntries(entries),
      cause: undefined,
    };
    return { board, stale };
  }

  return {
    read(leaderboard) {
      const known = underWay.get(leaderboard);
      if (known !== undefined) return known;
      const reading = readAnew(leaderboard).finally(() => underWay.delete(leaderboard));
      underWay.set(leaderboard, reading);
      return reading;
    },
  };
}
