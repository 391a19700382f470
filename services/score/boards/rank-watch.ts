/**
 * Whether the rank service answers. One call without an answer is enough to count it as away: each further one would hold up
 * a batch, and the outbox delivers later what is not sent now. A probe finds out when rank is back, and that it is away while
 * nothing is sent.
 */
import type { RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import type { GrpcClient } from '../../shared/grpc/grpc.ts';
import { NO_ANSWER } from '../../shared/stores/dependencies.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';

export type RankWatch = ReturnType<typeof createRankWatch>;

export interface RankWatchOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'projectStates'>;
  log: Log;
  metrics: Metrics;
}

/** While rank answers: states that it does not take tell as well. */
const PROBE_EVERY_MS = 1_000;
/** While rank is away. Bounds how long boards lag once it is back. */
const PROBE_AWAY_EVERY_MS = 250;
const PROBE_LIMIT_MS = 500;

export function createRankWatch({ rank, log, metrics }: RankWatchOptions) {
  let away = true;
  const listeners = new Set<() => void>();
  metrics.gauge('score_rank_away', '1 while scores are accepted without ranks because rank is away.', {
    collect: () => Number(away),
  });

  async function probe(): Promise<void> {
    try {
      await rank.projectStates({}, { limitMs: PROBE_LIMIT_MS });
    } catch (error) {
      onFailed(error);
      return;
    }
    if (!away) return;
    away = false;
    log.info('rank answers');
    for (const listener of listeners) listener();
  }

  const loop = createLoop({
    name: 'rank watch',
    everyMs: () => (away ? PROBE_AWAY_EVERY_MS : PROBE_EVERY_MS),
    run: probe,
    log,
  });

  /** Notes that a call failed. Rank counts as away only if it did not answer. */
  function onFailed(error: unknown): void {
    if (!isUnanswered(error)) {
      log.error({ err: error }, 'rank refused states');
      return;
    }
    if (away) return;
    away = true;
    log.warn({ err: error }, 'rank does not answer: scores are accepted without ranks');
    // The failure may have been momentary: probe at once.
    loop.wake();
  }

  return {
    isAway: () => away,
    /** Why rank does not serve us; undefined while it does. */
    trouble: () => (away ? NO_ANSWER : undefined),
    onFailed,
    /** Calls the listener each time rank answers after it was away. */
    onBack(listener: () => void): void {
      listeners.add(listener);
    },
    /** Resolves when the first probe has ended. */
    start: () => loop.start(),
    stop: () => loop.stop(),
  };
}

function isUnanswered(error: unknown): boolean {
  return (
    error instanceof AppError && (error.reason === 'RANK_UNAVAILABLE' || error.reason === 'DEADLINE_EXCEEDED')
  );
}
