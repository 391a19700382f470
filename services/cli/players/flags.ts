/** `flags`: players who stand out. */
import type { Command } from 'commander';
import type { PlayerFlag } from '../../../gen/scoreboard/score/v1/limits_pb.ts';
import type { CommandSite } from '../connect/command-site.ts';
import { formatTable, formatTime } from '../terminal/table.ts';
import { expectOneOf, listLimit, readUser } from '../terminal/words.ts';

const CALL = { limitMs: 10_000 };
const HEADINGS = ['board', 'player', 'reason', 'times', 'first', 'last', 'detail'];

export function defineFlags(program: Command, { session, print, act }: CommandSite): void {
  const flags = program.command('flags').description('list and clear the flags of players who stand out');
  flags
    .command('list')
    .description('list the flags, newest first, and their number')
    .addOption(listLimit())
    .action(
      act(async ({ limit }: { limit: number }) => {
        const { flags, total } = await (await session.limits()).listFlags({ limit }, CALL);
        const text = `${formatTable(HEADINGS, flags.map(toColumns))}${total} flags\n`;
        await print(text, { flags: flags.map(toFields), total });
      }),
    );
  flags
    .command('clear')
    .description('delete the flags of one player, or of all players')
    .argument('[user]', 'the player', readUser)
    .option('--all', 'all players')
    .action(
      act(async (user: string | undefined, { all }: { all?: boolean }, command: Command) => {
        expectOneOf(command, user, '--all', all);
        const { cleared } = await (await session.limits()).clearFlags({ userId: user ?? '' }, CALL);
        await print(`${cleared} cleared\n`, { cleared });
      }),
    );
}

function toFields({ leaderboard, userId, reason, times, detail, ...flag }: PlayerFlag) {
  const [first, last] = [formatTime(flag.firstAtUnixMs), formatTime(flag.lastAtUnixMs)];
  return { leaderboard, userId, reason, times, first, last, detail };
}

function toColumns({ leaderboard, userId, reason, times, detail, ...flag }: PlayerFlag): string[] {
  return [
    ...[leaderboard, userId, reason, String(times)],
    ...[formatTime(flag.firstAtUnixMs), formatTime(flag.lastAtUnixMs), detail],
  ];
}
