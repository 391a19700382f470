/**
 * I5: a standing is what the board's operator makes of the accepted actions, step by step: their sum, the best or the last of
 * them. Versions count 1, 2, 3… without a gap.
 */
import { foldScore } from '../../../support/fold-score.ts';
import { type Evidence, playerKey } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

export function judgeConservation({ record, actionsOf, kindOf }: Evidence): Verdict {
  const totals = new Map(record.dumps.postgres.scores.map((row) => [playerKey(row), row]));
  const players = new Set([...totals.keys(), ...actionsOf.keys()]);
  return judge(players, (player, violate) => {
    const actions = actionsOf.get(player) ?? [];
    const total = totals.get(player);
    const [leaderboard = ''] = player.split(' ');
    const kind = kindOf(leaderboard);
    let score: bigint | undefined;
    for (const [index, action] of actions.entries()) {
      score = foldScore(kind, score, BigInt(action.points));
      if (action.version !== index + 1) return violate('versions have a gap or a repeat', ...actions);
      if (action.scoreAfter !== Number(score))
        return violate('an audit row does not add up', ...actions.slice(0, index + 1));
    }
    if (total?.points !== Number(score ?? 0n) || total.version !== actions.length) {
      const folded = { score: String(score), actions: actions.length };
      violate('a total is not what its actions make', { player, total, ...folded });
    }
  });
}
