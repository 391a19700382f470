/**
 * I22: a correction has one row at most, every answer to it tells what it did, a refused one did nothing, and nobody else
 * corrects. An action that was taken back never counts again. What a correction makes of scores is I5's business.
 */
import { actionKey, type Correct, type Evidence, playerKey } from '../evidence/evidence.ts';
import { standingAfter } from '../evidence/standings.ts';
import { judge, together, type Verdict } from '../evidence/verdict.ts';

/** By the quarantine, not by a call. */
const UNASKED = ['hide', 'show'];

export function judgeCorrections(evidence: Evidence): Verdict {
  const { record, corrects, submits } = evidence;
  const rows = record.dumps.postgres.corrections;
  const asked = Map.groupBy(corrects, ({ call }) => call.operationId);
  const rowOf = new Map(rows.map((row) => [row.operationId, row]));
  const voided = new Map<string, number>();
  for (const { call, outcome, completedNs } of corrects) {
    if (call.kind === 'void' && outcome === 'ok')
      voided.set(actionKey(call), Math.min(completedNs, voided.get(actionKey(call)) ?? completedNs));
  }
  return together(
    judge(rows, (row, violate) => {
      const calls = asked.get(row.operationId) ?? [];
      if (UNASKED.includes(row.kind)) return;
      if (!calls.some(({ call }) => isSame(call, row)))
        violate('a correction was made that was not asked for', row);
      else if (calls.every(({ outcome }) => outcome === 'fail'))
        violate('a correction counts although its caller was told that it does not', row, ...calls);
    }),
    judge(
      corrects.filter(({ outcome }) => outcome === 'ok'),
      (correct, violate) => {
        const row = rowOf.get(correct.call.operationId);
        if (row === undefined) return violate('an acknowledged correction is not in the ledger', correct);
        if (!tells(correct, evidence))
          violate('an answer differs from what the correction did', correct, row);
      },
    ),
    judge(
      submits.filter(({ call, invokedNs }) => invokedNs > (voided.get(actionKey(call)) ?? invokedNs)),
      (submit, violate) => {
        if (submit.outcome === 'ok') violate('an action counted that was taken back before', submit);
      },
    ),
  );
}

function isSame(
  call: Correct['call'],
  row: Evidence['record']['dumps']['postgres']['corrections'][number],
): boolean {
  return (
    (call.kind === 'void' || call.leaderboard === row.leaderboard) &&
    call.userId === row.userId &&
    call.kind === row.kind &&
    call.amount === row.amount &&
    call.actionId === row.actionId
  );
}

/** Whether the answer is what the ledger makes of the entries up to the correction, and of those before it. */
function tells({ call, answer }: Correct, evidence: Evidence): boolean {
  const { record, actionsOf } = evidence;
  const row = record.dumps.postgres.corrections.find(({ operationId }) => operationId === call.operationId);
  const entries = row === undefined ? [] : (actionsOf.get(playerKey(row)) ?? []);
  const at = entries.findIndex(({ position }) => position === row?.position);
  const [before, after] = [entries.slice(0, at), entries.slice(0, at + 1)].map((each) => {
    const { score } = standingAfter(each, evidence);
    return score === undefined ? null : Number(score);
  });
  return (
    at >= 0 &&
    answer?.before === before &&
    answer?.after === after &&
    answer?.version === entries[at]?.version
  );
}
