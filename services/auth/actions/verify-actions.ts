/** Judges signed actions: genuine and in time, genuine but too late, or not ours. A bad one never fails its neighbours. */
import { create } from '@bufbuild/protobuf';
import {
  type Action,
  type ActionVerdict,
  ActionVerdictSchema,
  type SignedAction as SignedActionMessage,
  ActionVerdict_Status as Status,
} from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { isSignable, type SignedAction } from '../../shared/values/action-signature.ts';
import { DEFAULT_LEADERBOARD } from '../../shared/values/identifiers.ts';
import { type FindActionKey, openSignature, openV0Signature } from './action-mac.ts';

const MS_PER_S = 1000;
const INVALID = create(ActionVerdictSchema, { status: Status.INVALID });
const EXPIRED = create(ActionVerdictSchema, { status: Status.EXPIRED });

export interface VerifyActionsOptions {
  findKey: FindActionKey;
  allowV0: boolean;
  nowMs: number;
}

function readAction({ leaderboard, userId, actionId, points }: Action): SignedAction {
  return { leaderboard: leaderboard === '' ? DEFAULT_LEADERBOARD : leaderboard, userId, actionId, points };
}

function judge(
  signed: SignedActionMessage,
  { findKey, allowV0, nowMs }: VerifyActionsOptions,
): ActionVerdict {
  if (signed.action === undefined) return INVALID;
  const action = readAction(signed.action);
  if (!isSignable(action)) return INVALID;
  const genuine =
    openSignature(action, signed.signature, findKey) ??
    (allowV0 ? openV0Signature(action, signed.signature, findKey) : undefined);
  if (genuine === undefined) return INVALID;
  if (nowMs >= genuine.expiresAt * MS_PER_S) return EXPIRED;
  return create(ActionVerdictSchema, {
    status: Status.VALID,
    keyId: genuine.kid,
    // A v0 signature never expires, which the answer says with 0.
    expiresAtUnix: Number.isFinite(genuine.expiresAt) ? BigInt(genuine.expiresAt) : 0n,
  });
}

/** One verdict an action, in the same order. */
export function verifyActions(
  actions: readonly SignedActionMessage[],
  options: VerifyActionsOptions,
): ActionVerdict[] {
  return actions.map((signed) => judge(signed, options));
}
