/**
 * I2: an action has one row at most, every reply to it tells the score and the version of that row, for every total up to the
 * largest, and a refusal is true of it.
 */
import type { Evidence } from '../evidence/evidence.ts';
import { actionKey } from '../evidence/evidence.ts';
import { judge, together, type Verdict } from '../evidence/verdict.ts';
import { judgeRefusals } from './refusals.ts';

export function judgeAtMostOnce(evidence: Evidence): Verdict {
  const { submits, rowsOf } = evidence;
  const rows = judge(rowsOf.values(), (same, violate) => {
    if (same.length > 1) violate('an action was counted more than once', ...same);
  });
  const replies = judge(
    submits.filter(({ outcome }) => outcome === 'ok'),
    (submit, violate) => {
      const [row] = rowsOf.get(actionKey(submit.call)) ?? [];
      const { call, answer } = submit;
      // That the row is missing is another invariant's business.
      if (row === undefined || answer === undefined) return;
      if (row.points !== call.points || row.leaderboard !== call.leaderboard) {
        violate('an action id with other contents was acknowledged', submit, row);
      } else if (answer.newScore !== row.scoreAfter || (answer.version ?? row.version) !== row.version) {
        violate('a reply differs from what was stored with the action', submit, row);
      }
    },
  );
  return together(rows, replies, judgeRefusals(evidence));
}
