/**
 * Whether the rank service is there. One projection that fails for want of an answer is enough to take it for away: each would hold
 * up a batch, and what is not sent now the outbox brings. A probe finds out when it is back, and notices a loss when nothing is sent.
 */
import type { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';
import { NO_ANSWER } from '../../shared/stores/dependencies.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';

export interface RankWatch {
  isAway(): boolean;
  /** Why rank does not serve us; undefined while it does. */
  trouble(): string | undefined;
  /** A call failed. Only one that rank did not answer says that it is away. */
  onFailed(error: unknown): void;
  /** Resolves when it is known whether rank is there. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface RankWatchOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'projectStates'>;
  /** Called when rank is there again. */
  onBack: () => void;
  log: Log;
  metrics: Metrics;
}

/** An empty request costs next to nothing, and whoever waits for a board waits for this at most. */
const PROBE_EVERY_MS = 250;
const PROBE_DEADLINE_MS = 500;

export function createRankWatch({ rank, onBack, log, metrics }: RankWatchOptions): RankWatch {
  let away = true;
  metrics.gauge('score_rank_away', '1 while scores are accepted without ranks because rank is away.', {
    collect: () => Number(away),
  });

  function onFailed(error: unknown): void {
    const isUnanswered =
      error instanceof AppError &&
      (error.reason === 'RANK_UNAVAILABLE' || error.reason === 'DEADLINE_EXCEEDED');
    if (!isUnanswered) {
      log.error({ err: error }, 'rank refused states');
      return;
    }
    if (away) return;
    away = true;
    log.warn({ err: error }, 'rank does not answer: scores are accepted without ranks');
    // It may have been one slow moment.
    loop.wake();
  }

  async function probe(): Promise<void> {
    try {
      await rank.projectStates({}, { deadlineMs: PROBE_DEADLINE_MS });
    } catch (error) {
      onFailed(error);
      return;
    }
    if (!away) return;
    away = false;
    log.info('rank answers');
    onBack();
  }

  const loop = createLoop({ name: 'rank watch', everyMs: PROBE_EVERY_MS, run: probe, log });
  return {
    isAway: () => away,
    trouble: () => (away ? NO_ANSWER : undefined),
    onFailed,
    start: () => loop.start(),
    stop: () => loop.stop(),
  };
}
