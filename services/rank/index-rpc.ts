/** The gRPC face of the index's upkeep: comparing it with the truth for the operator, and forgetting erased players for score. */
import { IndexService } from '../../gen/scoreboard/rank/v1/index_pb.ts';
import { registerService, type ServiceRegistration } from '../shared/grpc/grpc.ts';
import { parseLeaderboard, parseUserId } from '../shared/values/identifiers.ts';
import type { CompareAll } from './reconcile/compare-all.ts';
import type { Drift } from './reconcile/compare-index.ts';
import type { Reconciler } from './reconcile/reconcile.ts';
import { describeState } from './reconcile/repair-index.ts';

/** Differences told of one part; an index that is wrong in more places is wrong altogether. */
const DIFFERENCES_MAX = 100;

export interface IndexRpcOptions {
  compareAll: CompareAll;
  reconciler: Pick<Reconciler, 'forget'>;
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
    },
    { compareIndex: ['cli'], forgetPlayer: ['score'] },
  );
}

function toDifference({ kind, userId, truth, held }: Drift) {
  return { kind, userId, truth: describeState(truth), index: held?.raw ?? '' };
}
