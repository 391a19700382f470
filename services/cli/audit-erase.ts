/** `audit erase`: takes a player out of everything. The chain holds. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { formatAuditHead } from '../shared/audit-chain/audit-chain.ts';
import type { CommandSite } from './command-site.ts';
import { revokeSubject } from './revoke.ts';
import type { AuditClient, Session, Write } from './session.ts';
import { readUser } from './words.ts';

/**
 * What was revoked is refused everywhere within a second. Refused attempts from before that are gathered for five more in each
 * score service; once those are written too, nothing of the player is on its way any more.
 */
const NOTHING_ON_ITS_WAY_MS = 7_500;
/** As long as the service gives the database for it. */
const CALL = { deadlineMs: 40_000 };

export function defineAuditErase(audit: Command, { session, act }: CommandSite): void {
  audit
    .command('erase')
    .description('takes a player out of everything, for ever; the chain holds')
    .argument('<user>', 'the player', readUser)
    .action(act(async (user: string) => revokeAndErase(session, user)));
}

/** The exit code. */
async function revokeAndErase(session: Session, userId: string): Promise<number> {
  // Without a stack nothing is revoked either.
  const audit = await session.audit();
  const code = await revokeSubject(session, 'player', userId);
  if (code !== 0) return code;
  await delay(NOTHING_ON_ITS_WAY_MS);
  await erasePlayer(audit, userId, session.write);
  return 0;
}

/** Writes the head of the link that records the erasure. */
export async function erasePlayer(audit: AuditClient, userId: string, write: Write): Promise<void> {
  const { seq, head, leaderboards } = await audit.erasePlayer({ userId }, CALL);
  await write(`erased from ${leaderboards.length} boards, recorded as ${formatAuditHead({ seq, head })}\n`);
}
