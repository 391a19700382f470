/** `audit rejected`: attempts that were refused. */
import type { Command } from 'commander';
import type { RejectedAttempts } from '../../gen/scoreboard/score/v1/audit_pb.ts';
import type { CommandSite } from './command-site.ts';
import type { AuditClient, Write } from './session.ts';
import { formatTable, formatTime } from './table.ts';
import { listLimit, readUser } from './words.ts';

const CALL = { deadlineMs: 10_000 };
const HEADINGS = ['since', 'player', 'reason', 'attempts', 'by', 'board', 'first action', 'points'];

export function defineAuditRejected(audit: Command, { session, act }: CommandSite): void {
  audit
    .command('rejected')
    .description('attempts that were refused, newest first')
    .option('--user <user>', 'those of one player', readUser)
    .addOption(listLimit())
    .action(
      act(async ({ user = '', limit }: { user?: string; limit: number }) =>
        listRejected(await session.audit(), { userId: user, limit }, session.write),
      ),
    );
}

/** One line a player and reason. */
export async function listRejected(
  audit: AuditClient,
  { userId, limit }: { userId: string; limit: number },
  write: Write,
): Promise<void> {
  const { rejected } = await audit.listRejected({ userId, limit }, CALL);
  await write(formatTable(HEADINGS, rejected.map(toColumns)));
}

function toColumns(row: RejectedAttempts): string[] {
  return [
    ...[formatTime(row.firstAtUnixMs), row.userId, row.reason, String(row.attempts)],
    ...[row.caller, row.leaderboard, row.actionId, String(row.points)],
  ];
}
