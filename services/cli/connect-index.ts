/** A client of the rank service, the operator's side of it. */
import { IndexService } from '../../gen/scoreboard/rank/v1/index_pb.ts';
import { createGrpcClient } from '../shared/grpc/grpc-client.ts';
import type { Environment } from '../shared/settings/env.ts';
import { findAddress, ownIdentity } from './running-stack.ts';
import type { IndexClient } from './session.ts';

/** RANK_ADDRESS with a service key or a certificate names a stack elsewhere. */
export function connectIndex(env: Environment): IndexClient {
  const address = findAddress(env, 'RANK_ADDRESS', 'rankAddress');
  return createGrpcClient(IndexService, { address, ...ownIdentity(env), unavailable: 'RANK_UNAVAILABLE' });
}
