/** Standings of players as the ledger makes them, with corrections. */
import { HIDDEN, WITHOUT_SCORE } from '../../../../services/shared/values/board.ts';
import { type FoldedEntry, type FoldedStanding, foldLedger } from '../../../support/fold-ledger.ts';
import type { ActionRow, ScoreRow } from '../../record/record.ts';
import type { Evidence } from './evidence.ts';

export const isShown = ({ reached }: Pick<ScoreRow, 'reached'>): boolean => reached < Number(HIDDEN);

/** The standing after these entries of one player on one board. */
export function standingAfter(
  entries: readonly ActionRow[],
  { correctionAt, kindOf }: Pick<Evidence, 'correctionAt' | 'kindOf'>,
): FoldedStanding {
  const folded = entries.map((row): FoldedEntry => {
    const { kind, actionId, amount } = correctionAt.get(row.position) ?? {
      ...{ kind: 'action' as const, actionId: row.actionId, amount: row.points },
    };
    const [position, version] = [BigInt(row.position), BigInt(row.version)];
    return { position, version, kind, actionId, amount: BigInt(amount) };
  });
  return foldLedger(kindOf(entries[0]?.leaderboard ?? ''), folded);
}

/** What stands in the row of a player with this standing, in place of the position or as one. */
export function reachedOf({ score, reached, isHidden }: FoldedStanding): number {
  if (score === undefined) return Number(WITHOUT_SCORE);
  return Number(isHidden ? HIDDEN : reached);
}
