/** `flags`: players who stand out. */
import type { Command } from 'commander';
import type { PlayerFlag } from '../../gen/scoreboard/score/v1/limits_pb.ts';
import type { CommandSite } from './command-site.ts';
import { formatTable, formatTime } from './table.ts';
import { expectOneOf, listLimit, readUser } from './words.ts';

const CALL = { deadlineMs: 10_000 };
const HEADINGS = ['board', 'player', 'reason', 'times', 'first', 'last', 'detail'];

export function defineFlags(program: Command, { session, act }: CommandSite): void {
  const flags = program.command('flags').description('players who stand out');
  flags
    .command('list')
    .description('the flags, newest first, and how many there are')
    .addOption(listLimit())
    .action(
      act(async ({ limit }: { limit: number }) => {
        const { flags, total } = await (await session.limits()).listFlags({ limit }, CALL);
        await session.write(`${formatTable(HEADINGS, flags.map(toColumns))}${total} flags\n`);
      }),
    );
  flags
    .command('clear')
    .description('forgets what was seen of a player, or of all')
    .argument('[user]', 'the player', readUser)
    .option('--all', 'all players')
    .action(
      act(async (user: string | undefined, { all }: { all?: boolean }, command: Command) => {
        expectOneOf(command, user, '--all', all);
        const { cleared } = await (await session.limits()).clearFlags({ userId: user ?? '' }, CALL);
        await session.write(`${cleared} cleared\n`);
      }),
    );
}

function toColumns({ leaderboard, userId, reason, times, detail, ...flag }: PlayerFlag): string[] {
  return [
    ...[leaderboard, userId, reason, String(times)],
    ...[formatTime(flag.firstAtUnixMs), formatTime(flag.lastAtUnixMs), detail],
  ];
}
