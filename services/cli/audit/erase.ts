/** `audit erase`: removes a player from all data. The chain stays valid. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { formatAuditHead } from '../../shared/audit-chain/audit-chain.ts';
import { describeRevoked, revokeSubject } from '../auth/revoke.ts';
import type { CommandSite } from '../connect/command-site.ts';
import type { AuditClient } from '../connect/connect-score.ts';
import type { Session } from '../connect/session.ts';
import { addYesOption, type Confirmable, confirm } from '../terminal/confirm.ts';
import { describeFailure } from '../terminal/operator-words.ts';
import type { Print } from '../terminal/print.ts';
import { readUser } from '../terminal/words.ts';

/**
 * Every service refuses revoked tokens within a second. Each score service collects refused attempts for another five seconds
 * before it writes them. After this time no data of the player is in flight.
 */
const IN_FLIGHT_LIMIT_MS = 7_500;
const CALL = { limitMs: 10_000 };
/** The service's own limit for the database work of an erasure. */
const ERASE_CALL = { limitMs: 40_000 };

export function defineAuditErase(audit: Command, { session, print, act }: CommandSite): void {
  addYesOption(audit.command('erase'))
    .description(
      'revoke the tokens and signatures of a player, and remove the player from all data for good; the chain stays valid',
    )
    .argument('<user>', 'the player', readUser)
    .action(
      act(async (user: string, { yes = false }: Confirmable) =>
        revokeAndErase(session, print, user, { yes }),
      ),
    );
}

async function revokeAndErase(
  session: Session,
  print: Print,
  userId: string,
  confirmed: Confirmable,
): Promise<void> {
  // Asked first, so that nothing is revoked if the service or its database cannot be reached, or the id is mistyped.
  const { known } = await (await session.operator()).findPlayer({ userId }, CALL);
  if (!known) throw new Error('No data of this player is stored.');
  await confirm(
    session,
    `This revokes every token and signature of ${userId} so far, and removes ${userId} from every board and all data, for good. What counted stays in the log under a pseudonym.`,
    confirmed,
  );
  const audit = await session.audit();
  const state = await revokeSubject(session, 'player', userId).catch((error: unknown) => {
    throw new Error(`the player is not erased: ${describeFailure(error)}`, { cause: error });
  });
  if (session.isInteractive)
    session.complain(`waiting ${IN_FLIGHT_LIMIT_MS / 1_000} s for what is in flight …\n`);
  await delay(IN_FLIGHT_LIMIT_MS);
  const { leaderboards, ...link } = await eraseRevoked(audit, userId);
  const head = formatAuditHead(link);
  await print(
    `${describeRevoked(state, userId)}\nerased from ${leaderboards.length} boards, recorded as ${head}\n`,
    { userId, tokens: state, leaderboards, head },
  );
}

/** The second half. Its failure says that the first one is done. */
export async function eraseRevoked(audit: Pick<AuditClient, 'erasePlayer'>, userId: string) {
  try {
    return await audit.erasePlayer({ userId }, ERASE_CALL);
  } catch (error) {
    throw new Error(
      `the tokens of ${userId} are revoked, but the player is not erased: ${describeFailure(error)}; run the command again`,
      { cause: error },
    );
  }
}
