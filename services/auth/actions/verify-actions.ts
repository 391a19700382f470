/**
 * Verifies signed actions: valid, expired or invalid. An invalid action never affects others of the batch. A signature that was made
 * before its player was revoked has expired.
 */
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
  /** How long a signature is valid: it tells when one was made. */
  lifetimeS: number;
  /** Whether what a player was given up to this time is revoked. */
  isRevoked: (userId: string, givenAtMs: number) => boolean;
  nowMs: number;
}

function readAction({ leaderboard, userId, actionId, points }: Action): SignedAction {
  return { leaderboard: leaderboard === '' ? DEFAULT_LEADERBOARD : leaderboard, userId, actionId, points };
}

function judge(
  signed: SignedActionMessage,
  { findKey, allowV0, lifetimeS, isRevoked, nowMs }: VerifyActionsOptions,
): ActionVerdict {
  if (signed.action === undefined) return INVALID;
  const action = readAction(signed.action);
  if (!isSignable(action)) return INVALID;
  const genuine =
    openSignature(action, signed.signature, findKey) ??
    (allowV0 ? openV0Signature(action, signed.signature, findKey) : undefined);
  if (genuine === undefined) return INVALID;
  if (nowMs >= genuine.expiresAt * MS_PER_S) return EXPIRED;
  if (isRevoked(action.userId, (genuine.expiresAt - lifetimeS) * MS_PER_S)) return EXPIRED;
  return create(ActionVerdictSchema, {
    status: Status.VALID,
    keyId: genuine.kid,
    // A v0 signature never expires, which is 0 on the wire.
    expiresAtUnix: Number.isFinite(genuine.expiresAt) ? BigInt(genuine.expiresAt) : 0n,
  });
}

/** One verdict per action, in the same order. */
export function verifyActions(
  actions: readonly SignedActionMessage[],
  options: VerifyActionsOptions,
): ActionVerdict[] {
  return actions.map((signed) => judge(signed, options));
}
