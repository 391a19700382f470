/** Writes the names that verified tokens gave to outside players into their profiles. */
import type { PlayerName } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { isDerivedId } from '../../shared/tokens/players/player-id.ts';
import type { IsDenied } from '../../shared/values/denied-names.ts';
import { readUsername } from '../../shared/values/username.ts';
import type { ProfileStore } from '../profiles/profile-store.ts';

export interface RecordNamesOptions {
  profiles: Pick<ProfileStore, 'upsert'>;
  isDenied: IsDenied;
}

/** Refuses other user ids than derived ones: a process at the border may not rename the players of a game server. */
export async function recordNames(
  names: readonly Pick<PlayerName, 'userId' | 'username'>[],
  { profiles, isDenied }: RecordNamesOptions,
): Promise<void> {
  if (names.some(({ userId }) => !isDerivedId(userId))) throw new AppError('USER_ID_INVALID');
  const allowed = names.flatMap(({ userId, username: raw }) => {
    const username = readUsername(raw);
    return username === undefined || isDenied(username) ? [] : [{ userId, username, isNamed: true }];
  });
  await Promise.all(allowed.map((profile) => profiles.upsert(profile)));
}
