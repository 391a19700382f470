/** A client of the auth service. */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createGrpcClient } from '../shared/grpc/grpc-client.ts';
import type { Environment } from '../shared/settings/env.ts';
import { findAddress, ownIdentity } from './running-stack.ts';
import type { AuthClient } from './session.ts';

/** AUTH_ADDRESS with a service key or a certificate names a stack elsewhere. */
export function connectAuth(env: Environment): AuthClient {
  const address = findAddress(env, 'AUTH_ADDRESS', 'authAddress');
  return createGrpcClient(AuthService, { address, ...ownIdentity(env), unavailable: 'AUTH_UNAVAILABLE' });
}
