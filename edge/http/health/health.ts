/**
 * The health of the edge. A load balancer should not send players to an edge that is cut off, so readiness needs the key
 * set and at least one of score and rank: with one of them the edge still serves submissions or boards. Redis is not
 * needed: without it each node limits alone.
 */
import type { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import type { ScoreService } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import type { RateLimiter } from '../limits/rate-limiter.ts';
import { startProbe } from './probe.ts';

export interface HealthOptions {
  score: Pick<GrpcClient<typeof ScoreService>, 'submitScore'>;
  rank: Pick<GrpcClient<typeof RankService>, 'getTop'>;
  verifier: { ready(): boolean };
  limiter: Pick<RateLimiter, 'trouble'>;
}

const PROBE_LIMIT_MS = 1_000;

export function startHealth({ score, rank, verifier, limiter }: HealthOptions) {
  const scoreProbe = startProbe(() => untilRefused(score));
  const rankProbe = startProbe(() => rank.getTop({ limit: 1 }, { limitMs: PROBE_LIMIT_MS }));
  const isUp = (probe: typeof scoreProbe) => probe.trouble() === undefined;
  let serving = true;
  return {
    /** What this process needs to serve, by name. */
    readiness: () => ({
      serving,
      keys: verifier.ready(),
      upstream: isUp(scoreProbe) || isUp(rankProbe),
    }),
    dependencies: () => ({
      score: scoreProbe.trouble(),
      rank: rankProbe.trouble(),
      redis: limiter.trouble(),
    }),
    /** Reports from now on that this process takes no work. */
    drain(): void {
      serving = false;
    },
    async stop(): Promise<void> {
      await Promise.all([scoreProbe.stop(), rankProbe.stop()]);
    },
  };
}

/** Submits nothing: a score service that works refuses it with invalid_argument, at no cost. */
async function untilRefused(score: HealthOptions['score']): Promise<void> {
  await score.submitScore({}, { limitMs: PROBE_LIMIT_MS }).catch((error: unknown) => {
    if (!(error instanceof AppError && error.kind === 'invalid_argument')) throw error;
  });
}
