/** The clients of the rank service: for its operator methods, and to read boards. */
import { IndexService } from '../../../gen/scoreboard/rank/v1/index_pb.ts';
import { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createGrpcClient } from '../../shared/grpc/grpc-client.ts';
import type { Environment } from '../../shared/settings/env.ts';
import { findAddress, ownIdentity } from './find-address.ts';

export type IndexClient = ReturnType<typeof connectIndex>;
export type RankClient = ReturnType<typeof connectRank>;

export function connectIndex(env: Environment) {
  return createGrpcClient(IndexService, optionsOf(env));
}

export function connectRank(env: Environment) {
  return createGrpcClient(RankService, optionsOf(env));
}

function optionsOf(env: Environment) {
  const address = findAddress(env, 'RANK_ADDRESS', 'rankAddress');
  return { address, ...ownIdentity(env), unavailable: 'RANK_UNAVAILABLE' as const };
}
