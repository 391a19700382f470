/**
 * The part of I2 that concerns refusals: an action that counts gets its first answer whenever it is repeated, for every total up to
 * the largest, and an action is refused for the largest total only when it did not fit. Totals only grow, so an action that did not
 * fit once never fits later.
 */

import type { ActionRow } from '../../record/record.ts';
import { actionKey, type Evidence, playerKey, type Submit } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

/** Once true of an action, always true. */
const FOR_EVER = ['SCORE_LIMIT_REACHED', 'ACTION_CONFLICT'];
const FOR_NOW = [
  ...['POINTS_OVER_CAP', 'TOO_SOON', 'WINDOW_ACTIONS_EXCEEDED', 'WINDOW_POINTS_EXCEEDED'],
  'PLAYER_QUARANTINED',
];

export function judgeRefusals(evidence: Evidence): Verdict {
  // Totals of corrected players do not only grow.
  const refused = evidence.submits.filter(({ call, outcome, reason }) => {
    return !evidence.isCorrected(call) && outcome === 'fail' && [...FOR_EVER, ...FOR_NOW].includes(reason);
  });
  return judge(refused, (submit, violate) => {
    const { call, reason } = submit;
    const [row] = evidence.rowsOf.get(actionKey(call)) ?? [];
    if (row === undefined && reason === 'ACTION_CONFLICT') {
      violate('an action was refused for another with its id that does not count', submit);
    } else if (row !== undefined && isOf(row, submit)) {
      if (FOR_EVER.includes(reason) || wasAnsweredBefore(submit, row, evidence))
        violate('an action that counts was refused when it was repeated', submit, row);
    } else if (reason !== 'SCORE_LIMIT_REACHED') {
      return;
    } else if (row !== undefined && wasAnsweredBefore(submit, row, evidence)) {
      violate('an action id with other contents was not refused as a conflict', submit, row);
    } else if (call.points <= Number.MAX_SAFE_INTEGER - largestTotal(submit, evidence)) {
      violate('an action that fits was refused for the largest total', submit);
    }
  });
}

const isOf = (row: ActionRow, { call }: Submit): boolean =>
  row.points === call.points && row.leaderboard === call.leaderboard;

/** Whether a caller had been told that the action counts before this call began. */
function wasAnsweredBefore(submit: Submit, row: ActionRow, { submitsOf }: Evidence): boolean {
  const same = submitsOf.get(actionKey(row)) ?? [];
  return same.some(({ outcome, completedNs }) => outcome === 'ok' && completedNs < submit.invokedNs);
}

/** What the player's total was at most when the call was decided: all that was asked for until its answer and counts. */
function largestTotal({ call, completedNs }: Submit, { actionsOf, submitsOf }: Evidence): number {
  const asked = (actionsOf.get(playerKey(call)) ?? []).filter((row) =>
    (submitsOf.get(actionKey(row)) ?? []).some((each) => isOf(row, each) && each.invokedNs < completedNs),
  );
  return asked.reduce((total, { points }) => total + points, 0);
}
