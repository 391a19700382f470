/** What a player's entries in the ledger of a board make of the standing, told once more than in SQL, for models and checkers. */
import { type BoardKind, toValue } from '../../services/shared/values/board.ts';
import { MAX_SCORE } from '../../services/shared/values/identifiers.ts';
import { foldScore } from './fold-score.ts';

/** One entry of a player on a board. */
export interface FoldedEntry {
  readonly position: bigint;
  readonly version: bigint;
  readonly kind: 'action' | 'adjust' | 'set' | 'void' | 'remove' | 'restore' | 'hide' | 'show';
  /** Of an action, or the action that "void" takes back. */
  readonly actionId: string;
  /** The points of an action, what "adjust" adds, or the score that "set" sets. */
  readonly amount: bigint;
}

export interface FoldedStanding {
  /** Undefined for a player without a score. */
  readonly score: bigint | undefined;
  readonly reached: bigint;
  readonly isHidden: boolean;
}

const bounded = (score: bigint): bigint => (score < 0n ? 0n : score > MAX_SCORE ? MAX_SCORE : score);

/** Entries in any order; versions tell the order in which they counted. */
export function foldLedger(kind: BoardKind, entries: readonly FoldedEntry[]): FoldedStanding {
  const voided = new Set(entries.filter((e) => e.kind === 'void').map(({ actionId }) => actionId));
  const ordered = [...entries].sort((a, b) => Number(a.version - b.version));
  const restoredAt = ordered.findLast((e) => e.kind === 'restore')?.version ?? 0n;
  let standing: FoldedStanding = { score: undefined, reached: 0n, isHidden: false };
  for (const entry of ordered) {
    if (entry.kind === 'action' && voided.has(entry.actionId)) continue;
    if (entry.kind === 'remove' && entry.version < restoredAt) continue;
    const score = scoreAfter(kind, standing.score, entry);
    const isHidden = entry.kind === 'hide' || (entry.kind !== 'show' && standing.isHidden);
    standing = { score, isHidden, reached: score === standing.score ? standing.reached : entry.position };
  }
  return standing;
}

function scoreAfter(
  kind: BoardKind,
  held: bigint | undefined,
  { kind: entry, amount, version }: FoldedEntry,
): bigint | undefined {
  if (entry === 'action') {
    const changesNothing = kind.operator === 'sum' ? amount === 0n : isWorst(kind, amount);
    if (held === undefined && version > 1n && changesNothing) return undefined;
    return bounded(foldScore(kind, held, amount));
  }
  if (entry === 'set') return amount;
  if (entry === 'remove') return undefined;
  if (entry !== 'adjust' || (held === undefined && kind.operator !== 'sum')) return held;
  return bounded((held ?? 0n) + amount);
}

/** No score is better than none, apart from the slowest that there is. */
const isWorst = ({ operator, order }: BoardKind, score: bigint): boolean =>
  operator === 'best' && toValue(score, order) === -MAX_SCORE;
