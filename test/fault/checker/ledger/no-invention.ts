/** I3: the audit log holds no action that was not submitted, and none that was refused for certain. */
import { actionKey, type Evidence } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

export function judgeNoInvention({ record, submitsOf, correctionAt }: Evidence): Verdict {
  // Of corrections I22 tells.
  const actions = record.dumps.postgres.actions.filter(({ position }) => !correctionAt.has(position));
  return judge(actions, (row, violate) => {
    const asked = (submitsOf.get(actionKey(row)) ?? []).filter(
      ({ call }) => call.points === row.points && call.leaderboard === row.leaderboard,
    );
    if (asked.length === 0) violate('the audit log holds an action that was not submitted', row);
    else if (asked.every(({ outcome }) => outcome === 'fail')) {
      violate('an action counted although its caller was told that it did not', row, ...asked);
    }
  });
}
