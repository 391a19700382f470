/** The player that an action names: by user id, as a player of an outside issuer, or by an access token. */
import type { Action, OutsidePlayer } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import type { PlayerIds } from './player-ids.ts';
import type { VerifyPlayer } from './verify-player.ts';

export interface ResolvePlayerOptions {
  playerIds: Pick<PlayerIds, 'userIdOf'>;
  players: Pick<VerifyPlayer, 'verify'>;
}

export function createResolvePlayer({ playerIds, players }: ResolvePlayerOptions) {
  const outsideId = ({ issuer, subject }: Pick<OutsidePlayer, 'issuer' | 'subject'>) =>
    playerIds.userIdOf(issuer, subject);

  async function resolveAction(action: Action | undefined): Promise<Action | undefined> {
    const { player, userId } = action ?? {};
    if (action === undefined || player?.case === undefined) return action;
    // Two players in one action: one of them would be wrong.
    if (userId !== '') throw new AppError('USER_ID_INVALID', { message: 'An action names its player once.' });
    const resolved =
      player.case === 'outside' ? await outsideId(player.value) : (await players.verify(player.value)).userId;
    return { ...action, userId: resolved, player: { case: undefined } };
  }

  return {
    outsideId,
    /** The actions with their user ids. Without a promise when each has one, as most batches do. */
    actions(actions: readonly (Action | undefined)[]) {
      if (actions.every((action) => action?.player.case === undefined)) return actions;
      return Promise.all(actions.map(resolveAction));
    },
  };
}

export type ResolvePlayer = ReturnType<typeof createResolvePlayer>;
