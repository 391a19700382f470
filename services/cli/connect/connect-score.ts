/** The clients of the score service, one for each of its gRPC services that an operator uses. */
import { AuditService } from '../../../gen/scoreboard/score/v1/audit_pb.ts';
import { BoardsService } from '../../../gen/scoreboard/score/v1/boards_pb.ts';
import { CorrectionsService } from '../../../gen/scoreboard/score/v1/corrections_pb.ts';
import { LimitsService } from '../../../gen/scoreboard/score/v1/limits_pb.ts';
import { OperatorService } from '../../../gen/scoreboard/score/v1/operator_pb.ts';
import { createGrpcClient } from '../../shared/grpc/grpc-client.ts';
import type { Environment } from '../../shared/settings/env.ts';
import { findAddress, ownIdentity } from './find-address.ts';

export type OperatorClient = ReturnType<typeof connectOperator>;
export type BoardsClient = ReturnType<typeof connectBoards>;
export type CorrectionsClient = ReturnType<typeof connectCorrections>;
export type LimitsClient = ReturnType<typeof connectLimits>;
export type AuditClient = ReturnType<typeof connectAudit>;

export function connectOperator(env: Environment) {
  return createGrpcClient(OperatorService, optionsOf(env));
}

export function connectBoards(env: Environment) {
  return createGrpcClient(BoardsService, optionsOf(env));
}

export function connectCorrections(env: Environment) {
  return createGrpcClient(CorrectionsService, optionsOf(env));
}

export function connectLimits(env: Environment) {
  return createGrpcClient(LimitsService, optionsOf(env));
}

export function connectAudit(env: Environment) {
  return createGrpcClient(AuditService, optionsOf(env));
}

function optionsOf(env: Environment) {
  const address = findAddress(env, 'SCORE_ADDRESS', 'scoreAddress');
  return { address, ...ownIdentity(env), unavailable: 'SCORE_UNAVAILABLE' as const };
}
