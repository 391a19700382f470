/** What an operator asks for: one change of one player's score on one board. */
import type { CorrectScoreRequest } from '../../../gen/scoreboard/score/v1/corrections_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import {
  MAX_SCORE,
  parseActionId,
  parseLeaderboard,
  parsePoints,
  parseUserId,
} from '../../shared/values/identifiers.ts';

export type Change =
  | { readonly kind: 'adjust' | 'set'; readonly amount: bigint }
  | { readonly kind: 'void'; readonly actionId: string }
  | { readonly kind: 'remove' | 'restore' };

export interface Correction {
  readonly operationId: string;
  readonly userId: string;
  /** Empty for a void action, which has its board. */
  readonly leaderboard: string;
  readonly change: Change;
  readonly reason: string;
  readonly operator: string;
}

const OPERATION_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** One visible line that is not blank. */
const REASON = /^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}]{1,500}$/u;
const OPERATOR = /^[^\p{C}\p{Zl}\p{Zp}]{0,100}$/u;

export function parseCorrection(wire: Omit<CorrectScoreRequest, '$typeName' | '$unknown'>): Correction {
  const { operationId, userId, reason, operator } = wire;
  if (!OPERATION_ID.test(operationId)) throw new AppError('OPERATION_ID_INVALID');
  if (!REASON.test(reason) || !OPERATOR.test(operator)) throw new AppError('REASON_INVALID');
  const change = parseChange(wire.change);
  const leaderboard = change.kind === 'void' ? '' : parseBoard(wire.leaderboard);
  return { operationId, userId: parseUserId(userId), leaderboard, change, reason, operator };
}

function parseChange(change: CorrectScoreRequest['change']): Change {
  if (change.case === 'adjustBy') return { kind: 'adjust', amount: parseDelta(change.value) };
  if (change.case === 'setTo') return { kind: 'set', amount: parsePoints(change.value) };
  if (change.case === 'voidAction') return { kind: 'void', actionId: parseActionId(change.value) };
  if (change.case !== undefined && change.value) return { kind: change.case };
  throw new AppError('BODY_INVALID', { message: 'The correction names no change.' });
}

function parseDelta(delta: bigint): bigint {
  if (delta === 0n || delta > MAX_SCORE || delta < -MAX_SCORE) {
    throw new AppError('POINTS_INVALID', {
      message: 'A difference is a whole number up to 2^53-1, and not 0.',
    });
  }
  return delta;
}

/** An empty name is no board here, not the default one: the operator names the board. */
function parseBoard(name: string): string {
  if (name === '') throw new AppError('LEADERBOARD_INVALID');
  return parseLeaderboard(name);
}
