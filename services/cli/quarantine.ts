/** `quarantine`: players of whom no scores are accepted. */
import type { Command } from 'commander';
import type { CommandSite } from './command-site.ts';
import { formatTable } from './table.ts';
import { expectOneOf, readUser } from './words.ts';

const CALL = { deadlineMs: 10_000 };

export function defineQuarantine(program: Command, { session, act }: CommandSite): void {
  program
    .command('quarantine')
    .description('accepts no more scores of a player; exit code 1 when the player was in quarantine before')
    .argument('[user]', 'the player', readUser)
    .option('--list', 'the players in quarantine')
    .action(
      act(async (user: string | undefined, { list }: { list?: boolean }, command: Command) => {
        expectOneOf(command, user, '--list', list);
        const client = await session.limits();
        if (user !== undefined)
          return (await client.quarantinePlayer({ userId: user }, CALL)).changed ? 0 : 1;
        const { userIds } = await client.listQuarantined({}, CALL);
        await session.write(
          formatTable(
            ['player'],
            userIds.map((userId) => [userId]),
          ),
        );
        return 0;
      }),
    );
}
