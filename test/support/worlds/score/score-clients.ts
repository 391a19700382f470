/** gRPC clients of a score world, one of each kind, made on first use. */
import { AuthService } from '../../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { IndexService } from '../../../../gen/scoreboard/rank/v1/index_pb.ts';
import { RankService } from '../../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AuditService } from '../../../../gen/scoreboard/score/v1/audit_pb.ts';
import { BoardsService } from '../../../../gen/scoreboard/score/v1/boards_pb.ts';
import { CorrectionsService } from '../../../../gen/scoreboard/score/v1/corrections_pb.ts';
import { LimitsService } from '../../../../gen/scoreboard/score/v1/limits_pb.ts';
import { OperatorService } from '../../../../gen/scoreboard/score/v1/operator_pb.ts';
import { ScoreService } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { createGrpcClient } from '../../../../services/shared/grpc/grpc.ts';
import type { ServiceName } from '../../../../services/shared/identity/service-keys.ts';
import type { ScoreIdentities } from './score-identities.ts';

/** Whether methods that have a conversation are called in it. */
type Way = 'calls' | 'conversations';

export function createScoreClients({
  identityOf,
  authAddress,
  scoreAddresses,
  rankAddresses,
}: {
  identityOf: ScoreIdentities['identityOf'];
  authAddress: string;
  scoreAddresses: readonly string[];
  rankAddresses: readonly string[];
}) {
  const clients = new Map<string, { close(): void }>();
  function once<Client extends { close(): void }>(id: string, open: () => Client): Client {
    const known = clients.get(id) ?? open();
    clients.set(id, known);
    return known as Client;
  }
  const toScore = (at = 0) => ({
    address: scoreAddresses[at] ?? '',
    unavailable: 'SCORE_UNAVAILABLE' as const,
  });
  const toRank = (at = 0) => ({ address: rankAddresses[at] ?? '', unavailable: 'RANK_UNAVAILABLE' as const });
  const score = (name: ServiceName, address: string, how: Way) =>
    once(`score ${name} ${address} ${how}`, () =>
      createGrpcClient(ScoreService, {
        ...{ ...toScore(), address, ...identityOf(name) },
        conversations: how === 'conversations' ? ['submitScores'] : [],
      }),
    );
  const rank = (name: ServiceName, address: string, how: Way) =>
    once(`rank ${name} ${address} ${how}`, () =>
      createGrpcClient(RankService, {
        ...{ ...toRank(), address, ...identityOf(name) },
        conversations: how === 'conversations' ? ['projectStates'] : [],
      }),
    );
  return {
    authAs: (name: ServiceName, how: Way = 'calls') =>
      once(`auth ${name} ${how}`, () =>
        createGrpcClient(AuthService, {
          ...{ address: authAddress, ...identityOf(name), unavailable: 'AUTH_UNAVAILABLE' },
          conversations: how === 'conversations' ? ['verifyActions'] : [],
        }),
      ),
    scoreAs: (name: ServiceName, at = 0, how: Way = 'calls') => score(name, toScore(at).address, how),
    rankAs: (name: ServiceName, at = 0, how: Way = 'calls') => rank(name, toRank(at).address, how),
    scoreAt: (port: number, name: ServiceName) => score(name, `127.0.0.1:${port}`, 'calls'),
    rankAt: (port: number, name: ServiceName) => rank(name, `127.0.0.1:${port}`, 'calls'),
    scoreWithKey: (serviceKey: string) =>
      once(`score ${serviceKey}`, () => createGrpcClient(ScoreService, { ...toScore(), serviceKey })),
    rankWithKey: (serviceKey: string) =>
      once(`rank ${serviceKey}`, () => createGrpcClient(RankService, { ...toRank(), serviceKey })),
    indexAs: (name: ServiceName) =>
      once(`index ${name}`, () => createGrpcClient(IndexService, { ...toRank(), ...identityOf(name) })),
    operatorAs: (name: ServiceName) =>
      once(`operator ${name}`, () =>
        createGrpcClient(OperatorService, { ...toScore(), ...identityOf(name) }),
      ),
    auditAs: (name: ServiceName) =>
      once(`audit ${name}`, () => createGrpcClient(AuditService, { ...toScore(), ...identityOf(name) })),
    boardsAs: (name: ServiceName) =>
      once(`boards ${name}`, () => createGrpcClient(BoardsService, { ...toScore(), ...identityOf(name) })),
    correctionsAs: (name: ServiceName) =>
      once(`corrections ${name}`, () =>
        createGrpcClient(CorrectionsService, { ...toScore(), ...identityOf(name) }),
      ),
    limitsAs: (name: ServiceName) =>
      once(`limits ${name}`, () => createGrpcClient(LimitsService, { ...toScore(), ...identityOf(name) })),
    closeClients() {
      for (const client of clients.values()) client.close();
    },
  };
}
