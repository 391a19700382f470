/** Clients of the stack that a command works on: named by the environment, or by what the stack in DATA_DIR wrote down. */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { AuditService } from '../../gen/scoreboard/score/v1/audit_pb.ts';
import { LimitsService } from '../../gen/scoreboard/score/v1/limits_pb.ts';
import { OperatorService } from '../../gen/scoreboard/score/v1/operator_pb.ts';
import { type Environment, optionalText } from '../shared/env.ts';
import { createGrpcClient, type GrpcClient } from '../shared/grpc.ts';
import type { ServiceIdentity } from '../shared/service-identity.ts';
import { findStackIdentity } from '../shared/stack-identity.ts';
import { findStack, parseDataDir } from './find-stack.ts';

/** AUTH_ADDRESS with a service key or a certificate names a stack elsewhere. */
export function connectAuth(env: Environment): GrpcClient<typeof AuthService> {
  const address = addressOf(env, 'AUTH_ADDRESS', 'authAddress');
  return createGrpcClient(AuthService, { address, ...ownIdentity(env), unavailable: 'AUTH_UNAVAILABLE' });
}

/** The operator's side of the score service; SCORE_ADDRESS likewise. */
export function connectOperator(env: Environment): GrpcClient<typeof OperatorService> {
  return createGrpcClient(OperatorService, scoreOptions(env));
}

/** Limits, flags and quarantine at the score service, found like the operator's side of it. */
export function connectLimits(env: Environment): GrpcClient<typeof LimitsService> {
  return createGrpcClient(LimitsService, scoreOptions(env));
}

function scoreOptions(env: Environment) {
  const address = addressOf(env, 'SCORE_ADDRESS', 'scoreAddress');
  return { address, ...ownIdentity(env), unavailable: 'SCORE_UNAVAILABLE' as const };
}

/** The audit log of the score service, found like the operator's side of it. */
export function connectAudit(env: Environment): GrpcClient<typeof AuditService> {
  return createGrpcClient(AuditService, scoreOptions(env));
}

function addressOf(env: Environment, variable: string, name: 'authAddress' | 'scoreAddress'): string {
  const address = optionalText(env, variable) ?? findStack(env).addresses?.[name];
  if (address === undefined) throw new Error('the scoreboard is just starting: try again in a moment');
  return address;
}

function ownIdentity(env: Environment): ServiceIdentity {
  return findStackIdentity(env, parseDataDir(env), 'cli');
}
