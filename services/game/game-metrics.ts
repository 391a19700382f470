/** Metrics of the game. */
import type { Reason } from '../shared/errors/app-error.ts';
import type { Metrics } from '../shared/telemetry/metrics.ts';
import type { Verdict } from './rounds/round.ts';

export function createGameMetrics(registry: Metrics, rounds: { readonly size: number }) {
  const started = registry.counter('game_rounds_total', 'Rounds started.');
  const judged = registry.counter('game_targets_total', 'Targets judged, by verdict.', ['verdict']);
  const signed = registry.counter('game_actions_signed_total', 'Hits that left with a signature.');
  const refused = registry.counter('game_requests_refused_total', 'Requests refused, by reason.', ['reason']);
  registry.gauge('game_rounds', 'Rounds held in memory.', { collect: () => rounds.size });
  return {
    started: () => started.inc(),
    judged: (verdict: Verdict) => judged.inc({ verdict }),
    signed: () => signed.inc(),
    refused: (reason: Reason) => refused.inc({ reason }),
  };
}
