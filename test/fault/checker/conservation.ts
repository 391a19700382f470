/** I5: a total is the sum of its accepted actions, step by step, and versions count 1, 2, 3… without a gap. */
import { type Evidence, playerKey } from './evidence.ts';
import { judge, type Verdict } from './verdict.ts';

export function judgeConservation({ record, actionsOf }: Evidence): Verdict {
  const totals = new Map(record.dumps.postgres.scores.map((row) => [playerKey(row), row]));
  const players = new Set([...totals.keys(), ...actionsOf.keys()]);
  return judge(players, (player, violate) => {
    const actions = actionsOf.get(player) ?? [];
    const total = totals.get(player);
    let sum = 0;
    for (const [index, action] of actions.entries()) {
      sum += action.points;
      if (action.version !== index + 1) return violate('versions have a gap or a repeat', ...actions);
      if (action.scoreAfter !== sum)
        return violate('an audit row does not add up', ...actions.slice(0, index + 1));
    }
    if (total?.points !== sum || total.version !== actions.length) {
      violate('a total is not the sum of its actions', { player, total, sum, actions: actions.length });
    }
  });
}
