/** The use case that reads a board page by page, shared by REST and Connect. Each page is one call to rank. */
import type {
  ListEntriesRequest,
  ListEntriesResponse,
  RankService,
} from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { Deadline } from '../../../services/shared/flow/deadline.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createShares } from '../../../services/shared/net/shares.ts';
import type { Caller } from '../limits/caller.ts';

export interface PageQuery {
  readonly leaderboard: string;
  /** 1 to 100; 0 is the default. */
  readonly limit: number;
  readonly start: ListEntriesRequest['start'];
}

export interface ReadPagesOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'listEntries'>;
}

/** The client waits 2 s. */
const RANK_LIMIT_MS = 1_200;
/** A page costs 0.2 ms of processor time here and at rank: 0.1 s of work. */
const MAX_UNDER_WAY = 500;
const RETRY_AFTER_MS = 1_000;

export type ReadPages = ReturnType<typeof createReadPages>;

export function createReadPages({ rank }: ReadPagesOptions) {
  const underWay = createShares(MAX_UNDER_WAY);
  return {
    /** Refuses with OVERLOADED also if one address has too many pages under way. */
    async page(
      query: PageQuery,
      requestId: string,
      { holders = [], deadline = Deadline.never }: Caller = {},
    ): Promise<ListEntriesResponse> {
      const giveBack = underWay.take(holders);
      if (giveBack === undefined) throw new AppError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
      try {
        const limitMs = Math.max(1, deadline.within(RANK_LIMIT_MS).remainingMs());
        return await rank.listEntries({ ...query }, { requestId, limitMs });
      } finally {
        giveBack();
      }
    },
  };
}
