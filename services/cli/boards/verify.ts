/** `verify`: compares every board with the database once, in parts, so that neither server is blocked for long. */
import type { Command } from 'commander';
import type { CommandSite } from '../connect/command-site.ts';
import type { IndexClient } from '../connect/connect-rank.ts';
import type { Print } from '../terminal/print.ts';

/** A part that finds a difference compares again a second later. */
const LIMIT_MS = 10_000;

export function defineVerify(program: Command, { session, print, act }: CommandSite): void {
  program
    .command('verify')
    .description('compare every board with the database; exit code 1 if one differs')
    .action(act(async () => verifyBoards(await session.index(), print)));
}

interface Difference {
  readonly leaderboard: string;
  readonly userId: string;
  readonly kind: string;
  readonly database: string;
  readonly index: string;
}

function formatDifference({ leaderboard, userId, kind, database, index }: Difference): string {
  return `${leaderboard}\t${userId}\t${kind}\tdatabase: ${database}\tindex: ${index}\n`;
}

/** Prints one line for each difference, then the totals. Returns the exit code: 0 if nothing differs. */
async function verifyBoards(index: IndexClient, print: Print): Promise<number> {
  const boards = new Set<string>();
  let players = 0;
  let differing = 0;
  let cursor = '';
  const found: Difference[] = [];
  do {
    const part = await index.compareIndex({ cursor }, { limitMs: LIMIT_MS });
    cursor = part.cursor;
    if (part.leaderboard !== '') boards.add(part.leaderboard);
    players += part.players;
    differing += part.differing;
    const { leaderboard } = part;
    for (const { userId, kind, truth, index } of part.differences)
      found.push({ leaderboard, userId, kind, database: truth || '-', index: index || '-' });
  } while (cursor !== '');
  const lines = [
    ...found.map(formatDifference),
    `${players} players on ${boards.size} boards compared: ${differing} differ\n`,
  ];
  await print(lines.join(''), { players, boards: boards.size, differing, differences: found });
  return differing === 0 ? 0 : 1;
}
