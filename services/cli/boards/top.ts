/** `top`: a page of a board, best first. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Entry, ListEntriesRequest } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { TOP_MAX } from '../../shared/values/board.ts';
import { MAX_SCORE, parseLeaderboard } from '../../shared/values/identifiers.ts';
import type { CommandSite } from '../connect/command-site.ts';
import { formatTable } from '../terminal/table.ts';
import { reading, readUser } from '../terminal/words.ts';

const CALL = { limitMs: 10_000 };
const LIMIT_DEFAULT = 10;
const HEADINGS = ['rank', 'user', 'name', 'score'];

interface Options {
  readonly limit: number;
  readonly from?: bigint;
  readonly after?: string;
  readonly around?: string;
}

export function defineTop(program: Command, { session, print, act }: CommandSite): void {
  program
    .command('top')
    .description(
      'list the players of a board, best first, page by page; the next page is named on standard error',
    )
    .argument('[board]', 'the board; global if left out', reading(parseLeaderboard), 'global')
    .option('--limit <n>', `the number of players to show, at most ${TOP_MAX}`, readLimit, LIMIT_DEFAULT)
    .addOption(
      new Option('--from <rank>', 'begin at this rank').argParser(readRank).conflicts(['after', 'around']),
    )
    .addOption(new Option('--after <cursor>', 'the page that follows').conflicts(['from', 'around']))
    .addOption(
      new Option('--around <user>', 'the page in which this player stands')
        .argParser(readUser)
        .conflicts(['from', 'after']),
    )
    .action(
      act(async (leaderboard: string, options: Options) => {
        const rank = await session.rank();
        const { limit } = options;
        const page = await rank.listEntries({ leaderboard, limit, start: toStart(options) }, CALL);
        const { players, next } = page;
        const value = { entries: page.entries.map(toFields), players, next: next === '' ? null : next };
        await print(formatTable(HEADINGS, page.entries.map(toColumns)), value);
        if (next !== '') session.complain(`of ${players} players; the next page: --after ${next}\n`);
      }),
    );
}

function toStart({ from, after, around }: Options): ListEntriesRequest['start'] {
  if (from !== undefined) return { case: 'fromRank', value: from };
  if (after !== undefined) return { case: 'cursor', value: after };
  return around === undefined ? { case: undefined } : { case: 'aroundUserId', value: around };
}

function readLimit(text: string): number {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= TOP_MAX) return limit;
  throw new InvalidArgumentError(`It must be a number from 1 to ${TOP_MAX}.`);
}

function readRank(text: string): bigint {
  const rank = /^\d{1,16}$/.test(text) ? BigInt(text) : 0n;
  if (rank >= 1n && rank <= MAX_SCORE) return rank;
  throw new InvalidArgumentError('It must be a rank: ranks count from 1.');
}

function toFields({ rank, userId, username, score }: Entry) {
  return { rank, userId, username, score };
}

function toColumns({ rank, userId, username, score }: Entry): string[] {
  return [String(rank), userId, username, String(score)];
}
