/**
 * The list of open boards with their settings. All requests share one reading, which is kept for a second. While the score
 * service does not answer, the last list is given: settings rarely change.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { LeaderboardSchema } from '../../../gen/scoreboard/edge/v1/scoreboard_pb.ts';
import type { BoardsService } from '../../../gen/scoreboard/score/v1/boards_pb.ts';
import { createSingleFlight } from '../../../services/shared/flow/single-flight.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';

export interface ListedBoards {
  readonly leaderboards: readonly MessageInitShape<typeof LeaderboardSchema>[];
  /** The body of the REST answer. */
  readonly json: string;
}

export interface BoardListOptions {
  boards: Pick<GrpcClient<typeof BoardsService>, 'listBoards'>;
  monotonicMs?: () => number;
}

/** The most that score lists in one answer: some 100 KB of JSON. */
const MAX_BOARDS = 1_000;
/** A change is seen within two seconds, of which score takes none. */
const KEPT_MS = 1_000;
const LIMIT_MS = 1_200;

export type BoardList = ReturnType<typeof createBoardList>;

export function createBoardList({ boards, monotonicMs = () => performance.now() }: BoardListOptions) {
  let last: ListedBoards | undefined;
  let freshUntilMs = Number.NEGATIVE_INFINITY;

  const reading = createSingleFlight(async (): Promise<ListedBoards> => {
    try {
      const { boards: listed } = await boards.listBoards(
        { openOnly: true, limit: MAX_BOARDS },
        { limitMs: LIMIT_MS },
      );
      const leaderboards = listed.map(({ name, operator, order, decimals, unit }) => ({
        ...{ name, operator, order, decimals, unit },
      }));
      last = { leaderboards, json: JSON.stringify({ leaderboards }) };
    } catch (error) {
      if (last === undefined) throw error;
    }
    freshUntilMs = monotonicMs() + KEPT_MS;
    return last;
  });

  return {
    /** Rejects only if no list was ever read. */
    get: async (): Promise<ListedBoards> =>
      last !== undefined && monotonicMs() < freshUntilMs ? last : reading.join(),
  };
}
