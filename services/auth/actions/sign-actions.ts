/** Signs actions that a trusted game server observed. All actions of a batch are signed, or none. */
import type { Action } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import type { SignedAction } from '../../shared/values/action-signature.ts';
import {
  parseActionId,
  parseLeaderboard,
  parsePoints,
  parseUserId,
} from '../../shared/values/identifiers.ts';
import type { ActionKey } from '../keys/key-ring.ts';
import { signAction } from './action-mac.ts';

const MS_PER_S = 1000;

export interface SignActionsOptions {
  key: ActionKey;
  lifetimeS: number;
  nowMs: number;
}

export interface SignedBatch {
  /** In the order of the actions. */
  readonly signatures: string[];
  readonly expiresAtMs: number;
}

function parseAction(action: Action | undefined): SignedAction {
  if (action === undefined) throw new AppError('ACTION_ID_INVALID');
  return {
    leaderboard: parseLeaderboard(action.leaderboard),
    userId: parseUserId(action.userId),
    actionId: parseActionId(action.actionId),
    points: parsePoints(action.points),
  };
}

export function signActions(
  actions: readonly (Action | undefined)[],
  { key, lifetimeS, nowMs }: SignActionsOptions,
): SignedBatch {
  const expiresAt = Math.floor(nowMs / MS_PER_S) + lifetimeS;
  const parsed = actions.map(parseAction);
  return {
    signatures: parsed.map((action) => signAction(action, key, expiresAt)),
    expiresAtMs: expiresAt * MS_PER_S,
  };
}
