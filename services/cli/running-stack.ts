/** How a command finds the stack that it works on: by the environment, or by what the stack in DATA_DIR wrote down. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { AuditService } from '../../gen/scoreboard/score/v1/audit_pb.ts';
import { LimitsService } from '../../gen/scoreboard/score/v1/limits_pb.ts';
import { OperatorService } from '../../gen/scoreboard/score/v1/operator_pb.ts';
import { parseAuditKey } from '../shared/audit-chain.ts';
import { type Environment, optionalText, secret, text } from '../shared/env.ts';
import { createGrpcClient, type GrpcClient } from '../shared/grpc.ts';
import type { ServiceIdentity } from '../shared/service-identity.ts';
import { readStackFile, type StackFile } from '../shared/stack-file.ts';
import { findStackIdentity } from '../shared/stack-identity.ts';

export function parseDataDir(env: Environment): string {
  return resolve(text(env, 'DATA_DIR', '.data'));
}

/** Throws with a line for the operator when none runs. */
export function findStack(env: Environment): StackFile {
  const dataDir = parseDataDir(env);
  const stack = readStackFile(dataDir);
  if (stack === undefined || !isAlive(stack.pid)) {
    throw new Error(`no scoreboard runs in ${dataDir}: start it with "npm start", or set DATA_DIR`);
  }
  return stack;
}

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

/** AUDIT_KEY or AUDIT_KEY_FILE, or the stack's own. */
export function readAuditKey(env: Environment): Buffer {
  const isGiven = optionalText(env, 'AUDIT_KEY') ?? optionalText(env, 'AUDIT_KEY_FILE');
  if (isGiven !== undefined) return parseAuditKey(secret(env, 'AUDIT_KEY'));
  const path = join(parseDataDir(env), 'secrets', 'audit.key');
  if (!existsSync(path)) throw new Error(`there is no audit key at ${path}: set AUDIT_KEY_FILE`);
  return parseAuditKey(secret({ AUDIT_KEY_FILE: path }, 'AUDIT_KEY'));
}

function addressOf(env: Environment, variable: string, name: 'authAddress' | 'scoreAddress'): string {
  const address = optionalText(env, variable) ?? findStack(env).addresses?.[name];
  if (address === undefined) throw new Error('the scoreboard is just starting: try again in a moment');
  return address;
}

function ownIdentity(env: Environment): ServiceIdentity {
  return findStackIdentity(env, parseDataDir(env), 'cli');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
