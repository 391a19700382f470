/** The few numbers that say how the game goes. */
import type { Reason } from '../shared/errors/app-error.ts';
import type { Metrics } from '../shared/telemetry/metrics.ts';
import type { Verdict } from './rounds/round.ts';

export interface GameMetrics {
  started(): void;
  judged(verdict: Verdict): void;
  signed(): void;
  refused(reason: Reason): void;
}

export function createGameMetrics(registry: Metrics, rounds: { readonly size: number }): GameMetrics {
  const started = registry.counter('game_rounds_total', 'Rounds started.');
  const judged = registry.counter('game_targets_total', 'Targets judged, by verdict.', ['verdict']);
  const signed = registry.counter('game_actions_signed_total', 'Hits that left with a signature.');
  const refused = registry.counter('game_requests_refused_total', 'Requests refused, by reason.', ['reason']);
  registry.gauge('game_rounds', 'Rounds held in memory.', { collect: () => rounds.size });
  return {
    started: () => started.inc(),
    judged: (verdict) => judged.inc({ verdict }),
    signed: () => signed.inc(),
    refused: (reason) => refused.inc({ reason }),
  };
}
