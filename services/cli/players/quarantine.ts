/** `quarantine`: hides a player from every board, and refuses all scores. */
import type { Command } from 'commander';
import type { CommandSite } from '../connect/command-site.ts';
import { formatTable } from '../terminal/table.ts';
import { expectOneOf, readUser } from '../terminal/words.ts';
import { noteUnknownPlayer } from './unknown.ts';

const CALL = { limitMs: 10_000 };

export function defineQuarantine(program: Command, { session, print, act }: CommandSite): void {
  async function quarantine(userId: string): Promise<number> {
    const { changed } = await (await session.limits()).quarantinePlayer({ userId }, CALL);
    const text = changed ? `${userId} is in quarantine now` : `${userId} was in quarantine already`;
    await print(`${text}\n`, { userId, changed });
    await noteUnknownPlayer(session, userId);
    return changed ? 0 : 1;
  }

  async function list(): Promise<void> {
    const { userIds } = await (await session.limits()).listQuarantined({}, CALL);
    const rows = userIds.map((userId) => [userId]);
    await print(formatTable(['player'], rows), { userIds });
  }

  program
    .command('quarantine')
    .description(
      'hide a player from every board and refuse all scores from now on; exit code 1 if the player was in quarantine already',
    )
    .argument('[user]', 'the player', readUser)
    .option('--list', 'list the players in quarantine')
    .action(
      act(async (user: string | undefined, { list: isList }: { list?: boolean }, command: Command) => {
        expectOneOf(command, user, '--list', isList);
        if (user !== undefined) return quarantine(user);
        await list();
        return 0;
      }),
    );
}
