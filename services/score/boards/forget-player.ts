/** Removes an erased player from the rank index and from the boards that viewers see. */
import type { IndexService } from '../../../gen/scoreboard/rank/v1/index_pb.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';

/** The operator waits for this. What it does not reach, reconciliation removes later. */
const FORGET_LIMIT_MS = 2_000;

export function createForgetPlayer(index: Pick<GrpcClient<typeof IndexService>, 'forgetPlayer'>) {
  return async (leaderboard: string, userId: string): Promise<void> => {
    await index.forgetPlayer({ leaderboard, userId }, { limitMs: FORGET_LIMIT_MS });
  };
}
