/** `release`: shows a player on every board again, and accepts scores. */
import type { Command } from 'commander';
import type { CommandSite } from '../connect/command-site.ts';
import { readUser } from '../terminal/words.ts';

const CALL = { limitMs: 10_000 };

export function defineRelease(program: Command, { session, print, act }: CommandSite): void {
  program
    .command('release')
    .description(
      'show a player on every board again and accept scores; exit code 1 if the player was not in quarantine',
    )
    .argument('<user>', 'the player', readUser)
    .action(
      act(async (userId: string) => {
        const { changed } = await (await session.limits()).releasePlayer({ userId }, CALL);
        const text = changed ? `${userId} is released` : `${userId} was not in quarantine`;
        await print(`${text}\n`, { userId, changed });
        return changed ? 0 : 1;
      }),
    );
}
