/** Reads a board from the score service: for boards not known yet, and to repair whatever the feed may have lost. */
import type { ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import type { GrpcClient } from '../../services/shared/grpc.ts';
import type { Board } from './board-state.ts';
import { POLL_DEADLINE_MS } from './limits.ts';
import { exactNumber, rankEntries } from './score-event.ts';

const BOARD_ENTRIES = 10;

export interface ReadBoard {
  readonly board: Board;
  /** The score service itself can't vouch for it. */
  readonly stale: boolean;
}

export interface BoardSource {
  /** Calls for the same board share one request. Rejects with AppError. */
  read(leaderboard: string): Promise<ReadBoard>;
}

export function createBoardSource(score: Pick<GrpcClient<typeof ScoreService>, 'getTop'>): BoardSource {
  const underWay = new Map<string, Promise<ReadBoard>>();

  async function readAnew(leaderboard: string): Promise<ReadBoard> {
    const { entries, position, stale } = await score.getTop(
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
