/** The client of the rank service, for its operator methods. */
import { IndexService } from '../../../gen/scoreboard/rank/v1/index_pb.ts';
import { createGrpcClient } from '../../shared/grpc/grpc-client.ts';
import type { Environment } from '../../shared/settings/env.ts';
import { findAddress, ownIdentity } from './find-address.ts';

export type IndexClient = ReturnType<typeof connectIndex>;

export function connectIndex(env: Environment) {
  const address = findAddress(env, 'RANK_ADDRESS', 'rankAddress');
  return createGrpcClient(IndexService, { address, ...ownIdentity(env), unavailable: 'RANK_UNAVAILABLE' });
}
