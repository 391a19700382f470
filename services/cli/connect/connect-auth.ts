/** The client of the auth service. */
import { AuthService } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { createGrpcClient } from '../../shared/grpc/grpc-client.ts';
import type { Environment } from '../../shared/settings/env.ts';
import { findAddress, ownIdentity } from './find-address.ts';

export type AuthClient = ReturnType<typeof connectAuth>;

export function connectAuth(env: Environment) {
  const address = findAddress(env, 'AUTH_ADDRESS', 'authAddress');
  return createGrpcClient(AuthService, { address, ...ownIdentity(env), unavailable: 'AUTH_UNAVAILABLE' });
}
