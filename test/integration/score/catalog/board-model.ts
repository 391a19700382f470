/** What a board must be, by the ledger alone: each player's actions folded, and players in the order of the board's kind. */

import type { BoardKind } from '../../../../services/shared/values/board.ts';
import { foldScore } from '../../../support/fold-score.ts';

export interface LedgerRow {
  user_id: string;
  action_id: string;
  points: bigint;
  score_after: bigint;
  version: bigint;
  position: bigint;
}

/** Each player's actions folded in the order of acceptance, which the versions tell. */
export function foldLedger(kind: BoardKind, rows: readonly LedgerRow[]) {
  const standings = new Map<string, { score: bigint; reached: bigint }>();
  const answers = new Map<string, { newScore: bigint; version: bigint; changed: boolean }>();
  for (const { user_id, action_id, points, version, position } of rows) {
    const held = standings.get(user_id);
    const newScore = foldScore(kind, held?.score, points);
    const changed = newScore !== held?.score;
    standings.set(user_id, { score: newScore, reached: changed ? position : (held?.reached ?? position) });
    answers.set(`${user_id} ${action_id}`, { newScore, version, changed });
  }
  return { standings, answers };
}

/** The board as its kind orders it. */
export function orderOf({ order }: BoardKind, standings: ReturnType<typeof foldLedger>['standings']) {
  const sign = order === 'ascending' ? 1n : -1n;
  return [...standings]
    .sort(([a, x], [b, y]) => {
      const [first = 0n] = [sign * (x.score - y.score), x.reached - y.reached].filter((by) => by !== 0n);
      return first === 0n ? (a < b ? -1 : 1) : Number(first > 0n) * 2 - 1;
    })
    .map(([userId, { score }], at) => [userId, score, BigInt(at + 1)]);
}
