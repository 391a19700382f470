/** Corrections as the database's function makes them (migration 0014), on boards that add up. */
import type { Change, Correction } from '../../../../services/score/corrections/correction.ts';
import type { Corrected } from '../../../../services/score/corrections/correction-store.ts';
import type { Reason } from '../../../../services/shared/errors/app-error.ts';
import { type PlayerState, WITHOUT_SCORE } from '../../../../services/shared/values/board.ts';
import { MAX_SCORE } from '../../../../services/shared/values/identifiers.ts';
import { type FoldedEntry, foldLedger } from '../../../support/fold-ledger.ts';
import { actionKey, playerKey } from '../../checker/evidence/evidence.ts';
import type { Mutations } from '../environment/mutations.ts';
import type { Ledger, StoredRow } from './ledger.ts';

export interface StoredCorrection extends Correction {
  readonly position: bigint;
  readonly answer: Corrected;
}

const KIND = { operator: 'sum', order: 'descending' } as const;
const amountOf = (change: Change): bigint => ('amount' in change ? change.amount : 0n);
const voidedBy = (change: Change): string => ('actionId' in change ? change.actionId : '');

export function createCorrections({ scores, actions, known, keep }: Ledger, mutations: Mutations) {
  const corrections: StoredCorrection[] = [];

  function entryOf(row: StoredRow): FoldedEntry {
    const { position, version, actionId, points: amount } = row;
    const correction = corrections.find((each) => each.position === position);
    if (correction === undefined) return { position, version, kind: 'action', actionId, amount };
    const { change } = correction;
    return { position, version, kind: change.kind, actionId: voidedBy(change), amount: amountOf(change) };
  }

  function refusalOf({ userId, leaderboard, change }: Correction, held: PlayerState): Reason | undefined {
    const isWithout = held.reached === WITHOUT_SCORE;
    if (change.kind === 'void' && known.get(actionKey({ userId, actionId: change.actionId }))?.isVoid)
      return 'ACTION_VOIDED';
    if ((change.kind === 'adjust' || change.kind === 'remove') && isWithout) return 'PLAYER_NOT_FOUND';
    const after = held.points + amountOf(change);
    if (change.kind === 'adjust' && (after < 0n || after > MAX_SCORE)) return 'SCORE_OUT_OF_RANGE';
    const turns = corrections.filter(
      (each) => each.userId === userId && each.leaderboard === leaderboard && /^re/.test(each.change.kind),
    );
    if (change.kind === 'restore' && turns.at(-1)?.change.kind !== 'remove') return 'PLAYER_NOT_REMOVED';
    return undefined;
  }

  /** The refusal or the answer, and the new state if there is one. */
  function correct(
    given: Correction,
    position: bigint,
  ): { outcome: Corrected | Reason; state?: PlayerState } {
    const { operationId, userId, change } = given;
    const before = corrections.find((each) => each.operationId === operationId);
    if (before !== undefined && !mutations.correctsTwice)
      return { outcome: { ...before.answer, outcome: 'REPLAYED' } };
    const action = known.get(actionKey({ userId, actionId: voidedBy(change) }));
    if (change.kind === 'void' && action === undefined) return { outcome: 'ACTION_NOT_FOUND' };
    const leaderboard = change.kind === 'void' ? (action?.leaderboard ?? '') : given.leaderboard;
    const correction = { ...given, leaderboard };
    const held = scores.get(playerKey(correction));
    if (held === undefined) return { outcome: 'PLAYER_NOT_FOUND' };
    const refusal = refusalOf(correction, held);
    if (refusal !== undefined) return { outcome: refusal };

    const own = actions.filter((row) => playerKey(row) === playerKey(correction)).map(entryOf);
    const version = held.version + 1n;
    const entry = {
      version,
      position,
      kind: change.kind,
      actionId: voidedBy(change),
      amount: amountOf(change),
    };
    const [{ score: scoreBefore }, { score, reached }] = [
      foldLedger(KIND, own),
      foldLedger(KIND, [...own, entry]),
    ];
    const state = {
      ...held,
      points: score ?? 0n,
      version,
      reached: score === undefined ? WITHOUT_SCORE : reached,
    };
    scores.set(playerKey(state), state);
    if (action !== undefined) known.set(actionKey(action), { ...action, isVoid: true });
    keep({
      ...{
        leaderboard,
        userId,
        actionId: `correction:${operationId}`,
        operator: 'sum',
        points: 0n,
        position,
      },
      ...{ scoreAfter: score ?? 0n, changedScore: false, version, keyId: 'digest', caller: 'cli' },
    });
    const answer: Corrected = {
      outcome: 'CORRECTED',
      leaderboard,
      before: scoreBefore,
      after: score,
      version,
    };
    corrections.push({ ...correction, position, answer });
    return { outcome: answer, state };
  }

  return { corrections, correct };
}
