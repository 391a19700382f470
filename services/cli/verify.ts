/** `verify`: one full comparison of every board with the database, part by part, so that it holds up neither of the two. */
import type { Command } from 'commander';
import type { CommandSite } from './command-site.ts';
import type { IndexClient, Write } from './session.ts';

/** A part that finds something looks a second time, a second later. */
const DEADLINE_MS = 10_000;

export function defineVerify(program: Command, { session, act }: CommandSite): void {
  program
    .command('verify')
    .description('compares every board with the database; exit code 1 when one differs')
    .action(act(async () => verifyBoards(await session.index(), session.write)));
}

/** Says what differs, one line each, and at the end what was compared. The exit code: 0 when nothing differs. */
async function verifyBoards(index: IndexClient, write: Write): Promise<number> {
  const boards = new Set<string>();
  let players = 0;
  let differing = 0;
  let cursor = '';
  do {
    const part = await index.compareIndex({ cursor }, { deadlineMs: DEADLINE_MS });
    cursor = part.cursor;
    if (part.leaderboard !== '') boards.add(part.leaderboard);
    players += part.players;
    differing += part.differing;
    for (const { userId, kind, truth, index } of part.differences) {
      await write(
        `${part.leaderboard}\t${userId}\t${kind}\tdatabase: ${truth || '-'}\tindex: ${index || '-'}\n`,
      );
    }
  } while (cursor !== '');
  await write(`${players} players on ${boards.size} boards compared: ${differing} differ\n`);
  return differing === 0 ? 0 : 1;
}
