/**
 * I5: a standing is what the board's operator makes of the entries of the ledger, step by step: of the accepted actions their sum,
 * the best or the last of them, and what corrections make of it. Versions count 1, 2, 3… without a gap.
 */
import { foldScore } from '../../../support/fold-score.ts';
import type { ActionRow } from '../../record/record.ts';
import { type Evidence, playerKey } from '../evidence/evidence.ts';
import { reachedOf, standingAfter } from '../evidence/standings.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

export function judgeConservation(evidence: Evidence): Verdict {
  const { record, actionsOf } = evidence;
  const totals = new Map(record.dumps.postgres.scores.map((row) => [playerKey(row), row]));
  const players = new Set([...totals.keys(), ...actionsOf.keys()]);
  return judge(players, (player, violate) => {
    const actions = actionsOf.get(player) ?? [];
    const total = totals.get(player);
    const scores = scoresAfter(actions, evidence);
    for (const [index, action] of actions.entries()) {
      if (action.version !== index + 1) return violate('versions have a gap or a repeat', ...actions);
      if (action.scoreAfter !== Number(scores[index] ?? 0n))
        return violate('an audit row does not add up', ...actions.slice(0, index + 1));
    }
    const standing = standingAfter(actions, evidence);
    const { score } = standing;
    const isScore = score === undefined || total?.points === Number(score);
    const isReached = !evidence.isCorrected(actions[0] ?? NOBODY) || total?.reached === reachedOf(standing);
    if (!isScore || !isReached || total?.version !== actions.length) {
      const folded = { score: String(score), reached: reachedOf(standing), actions: actions.length };
      violate('a total is not what its actions make', { player, total, ...folded });
    }
  });
}

const NOBODY = { leaderboard: '', userId: '' };

/** The score after each entry, as it was then: what a later correction changes is not known yet. */
function scoresAfter(actions: readonly ActionRow[], evidence: Evidence): (bigint | undefined)[] {
  const [first] = actions;
  if (first === undefined) return [];
  if (evidence.isCorrected(first))
    return actions.map((_, at) => standingAfter(actions.slice(0, at + 1), evidence).score);
  const kind = evidence.kindOf(first.leaderboard);
  let score: bigint | undefined;
  return actions.map(({ points }) => {
    score = foldScore(kind, score, BigInt(points));
    return score;
  });
}
