/** Clients of the score service, each of the operator's sides of it. */
import { AuditService } from '../../gen/scoreboard/score/v1/audit_pb.ts';
import { LimitsService } from '../../gen/scoreboard/score/v1/limits_pb.ts';
import { OperatorService } from '../../gen/scoreboard/score/v1/operator_pb.ts';
import { createGrpcClient } from '../shared/grpc/grpc-client.ts';
import type { Environment } from '../shared/settings/env.ts';
import { findAddress, ownIdentity } from './running-stack.ts';
import type { AuditClient, LimitsClient, OperatorClient } from './session.ts';

export function connectOperator(env: Environment): OperatorClient {
  return createGrpcClient(OperatorService, optionsOf(env));
}

export function connectLimits(env: Environment): LimitsClient {
  return createGrpcClient(LimitsService, optionsOf(env));
}

export function connectAudit(env: Environment): AuditClient {
  return createGrpcClient(AuditService, optionsOf(env));
}

/** SCORE_ADDRESS with a service key or a certificate names a stack elsewhere. */
function optionsOf(env: Environment) {
  const address = findAddress(env, 'SCORE_ADDRESS', 'scoreAddress');
  return { address, ...ownIdentity(env), unavailable: 'SCORE_UNAVAILABLE' as const };
}
