/** The gRPC methods of the index's upkeep: the operator compares it with Postgres, and score removes erased players and announces new names. */
import { IndexService } from '../../gen/scoreboard/rank/v1/index_pb.ts';
import { AppError } from '../shared/errors/app-error.ts';
import { registerService, type ServiceRegistration } from '../shared/grpc/grpc.ts';
import { parseLeaderboard, parseUserId } from '../shared/values/identifiers.ts';
import type { CompareAll } from './reconcile/compare-all.ts';
import type { Drift } from './reconcile/compare-index.ts';
import type { Reconciler } from './reconcile/reconcile.ts';
import { describeState } from './reconcile/repair-index.ts';

/** Differences reported per part. An index with more is wrong altogether. */
const DIFFERENCES_MAX = 100;

/** A few milliseconds of either server. */
const NAMES_MAX = 500;

export interface IndexRpcOptions {
  compareAll: CompareAll;
  reconciler: Pick<Reconciler, 'forget' | 'refreshNames'>;
}

export function createIndexRpc({ compareAll, reconciler }: IndexRpcOptions): ServiceRegistration {
  return registerService(
    IndexService,
    {
      async compareIndex({ cursor }) {
        const part = await compareAll.next(cursor);
        return {
          cursor: part.cursor,
          leaderboard: part.leaderboard,
          players: part.players,
          differences: part.drift.slice(0, DIFFERENCES_MAX).map(toDifference),
          differing: part.drift.length,
        };
      },

      async forgetPlayer({ leaderboard, userId }) {
        await reconciler.forget(parseLeaderboard(leaderboard), parseUserId(userId));
        return {};
      },

      async refreshNames({ leaderboard, userIds }) {
        if (userIds.length < 1 || userIds.length > NAMES_MAX) throw new AppError('BATCH_SIZE_INVALID');
        await reconciler.refreshNames(parseLeaderboard(leaderboard), userIds.map(parseUserId));
        return {};
      },
    },
    { compareIndex: ['cli'], forgetPlayer: ['score'], refreshNames: ['score'] },
  );
}

function toDifference({ kind, userId, truth, held }: Drift) {
  return { kind, userId, truth: describeState(truth), index: held?.raw ?? '' };
}
