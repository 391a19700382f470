/** `audit rejected`: lists refused attempts. */
import type { Command } from 'commander';
import type { RejectedAttempts } from '../../../gen/scoreboard/score/v1/audit_pb.ts';
import type { CommandSite } from '../connect/command-site.ts';
import type { AuditClient } from '../connect/connect-score.ts';
import type { Print } from '../terminal/print.ts';
import { formatTable, formatTime } from '../terminal/table.ts';
import { listLimit, readUser } from '../terminal/words.ts';

const CALL = { limitMs: 10_000 };
const HEADINGS = ['since', 'player', 'reason', 'attempts', 'by', 'board', 'first action', 'points'];

export function defineAuditRejected(audit: Command, { session, print, act }: CommandSite): void {
  audit
    .command('rejected')
    .description('list refused attempts, newest first')
    .option('--user <user>', 'only those of one player', readUser)
    .addOption(listLimit())
    .action(
      act(async ({ user = '', limit }: { user?: string; limit: number }) =>
        listRejected(await session.audit(), { userId: user, limit }, print),
      ),
    );
}

/** Prints one line for each player and reason. */
export async function listRejected(
  audit: AuditClient,
  { userId, limit }: { userId: string; limit: number },
  print: Print,
): Promise<void> {
  const { rejected } = await audit.listRejected({ userId, limit }, CALL);
  await print(formatTable(HEADINGS, rejected.map(toColumns)), { rejected: rejected.map(toFields) });
}

function toFields({ firstAtUnixMs, userId, reason, attempts, ...first }: RejectedAttempts) {
  const { caller, leaderboard, actionId, points } = first;
  return {
    ...{ since: formatTime(firstAtUnixMs), userId, reason, attempts, caller, leaderboard },
    ...{ firstActionId: actionId, firstPoints: points },
  };
}

function toColumns(row: RejectedAttempts): string[] {
  return [
    ...[formatTime(row.firstAtUnixMs), row.userId, row.reason, String(row.attempts)],
    ...[row.caller, row.leaderboard, row.actionId, String(row.points)],
  ];
}
