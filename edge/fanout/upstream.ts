/** The services that a fan-out node calls: rank for boards, and auth for the keys that verify tokens. */
import { AuthService } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { RankService } from '../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createClientCalls, createGrpcClient } from '../../services/shared/grpc/grpc.ts';
import type { Metrics } from '../../services/shared/telemetry/metrics.ts';
import { createNameRecorder } from '../../services/shared/tokens/players/name-recorder.ts';
import {
  createTokenVerifier,
  type TokenVerifierOptions,
} from '../../services/shared/tokens/token-verifier.ts';
import type { FanoutConfig } from './config.ts';

export type Upstream = ReturnType<typeof connectUpstream>;

export function connectUpstream(
  { rankAddress, authAddress, identity, tokenPolicy }: FanoutConfig,
  metrics: Metrics,
  told: Pick<TokenVerifierOptions, 'clock' | 'log' | 'onRefused'>,
) {
  const calls = createClientCalls(metrics);
  const toRank = { address: rankAddress, ...identity, unavailable: 'RANK_UNAVAILABLE', calls } as const;
  const rank = createGrpcClient(RankService, toRank);
  const rankStream = createGrpcClient(RankService, { ...toRank, conversations: ['getTop'] });
  const auth = createGrpcClient(AuthService, {
    address: authAddress,
    ...identity,
    unavailable: 'AUTH_UNAVAILABLE',
    calls,
  });
  const verifier = createTokenVerifier({
    policy: tokenPolicy,
    ...{ auth, metrics },
    onNamed: createNameRecorder({ auth, log: told.log }).note,
    ...told,
  });
  return {
    rank,
    rankStream,
    verifier,
    close() {
      verifier.close();
      rank.close();
      rankStream.close();
      auth.close();
    },
  };
}
