/** What a command works with: the terminal, the environment, and a client of each service, connected when it is first asked for. */

import type { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import type { IndexService } from '../../gen/scoreboard/rank/v1/index_pb.ts';
import type { AuditService } from '../../gen/scoreboard/score/v1/audit_pb.ts';
import type { LimitsService } from '../../gen/scoreboard/score/v1/limits_pb.ts';
import type { OperatorService } from '../../gen/scoreboard/score/v1/operator_pb.ts';
import type { GrpcClient } from '../shared/grpc/grpc-client.ts';
import type { Environment } from '../shared/settings/env.ts';
import type { Output } from './output.ts';

export type AuthClient = GrpcClient<typeof AuthService>;
export type OperatorClient = GrpcClient<typeof OperatorService>;
export type IndexClient = GrpcClient<typeof IndexService>;
export type LimitsClient = GrpcClient<typeof LimitsService>;
export type AuditClient = GrpcClient<typeof AuditService>;

export type Write = Output['write'];

interface Terminal extends Output {
  readonly env: Environment;
  /** Standard input, in pieces of any size. */
  input(): AsyncIterable<string>;
  /** To standard error. */
  complain(text: string): void;
}

export interface Session extends Terminal {
  auth(): Promise<AuthClient>;
  operator(): Promise<OperatorClient>;
  index(): Promise<IndexClient>;
  limits(): Promise<LimitsClient>;
  audit(): Promise<AuditClient>;
  close(): void;
}

export function openSession(terminal: Terminal): Session {
  const opened: { close(): void }[] = [];
  // What speaks gRPC takes most of the time that a command takes to start.
  const score = () => import('./connect-score.ts');
  const keep = <Client extends { close(): void }>(client: Client): Client => {
    opened.push(client);
    return client;
  };
  return {
    ...terminal,
    auth: async () => keep((await import('./connect-auth.ts')).connectAuth(terminal.env)),
    operator: async () => keep((await score()).connectOperator(terminal.env)),
    index: async () => keep((await import('./connect-index.ts')).connectIndex(terminal.env)),
    limits: async () => keep((await score()).connectLimits(terminal.env)),
    audit: async () => keep((await score()).connectAudit(terminal.env)),
    close() {
      for (const client of opened.splice(0)) client.close();
    },
  };
}
