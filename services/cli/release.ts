/** `release`: accepts scores of a player again. */
import type { Command } from 'commander';
import type { CommandSite } from './command-site.ts';
import { readUser } from './words.ts';

const CALL = { deadlineMs: 10_000 };

export function defineRelease(program: Command, { session, act }: CommandSite): void {
  program
    .command('release')
    .description('accepts scores of a player again; exit code 1 when the player was not in quarantine')
    .argument('<user>', 'the player', readUser)
    .action(
      act(async (user: string) =>
        (await (await session.limits()).releasePlayer({ userId: user }, CALL)).changed ? 0 : 1,
      ),
    );
}
