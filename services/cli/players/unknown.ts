/**
 * Notes about ids that the database has never seen: most are mistyped. They are notes and no errors, since a player may be put
 * in quarantine, and a board limited, before the first score. Without an answer there is no note: the command has done its work.
 */
import type { Session } from '../connect/session.ts';

const CALL = { limitMs: 10_000 };

export async function noteUnknownPlayer(session: Session, userId: string): Promise<void> {
  const finding = (await session.operator()).findPlayer({ userId }, CALL);
  await noteUnless(session, finding, `no player ${userId} has signed in or scored yet`);
}

export async function noteUnknownBoard(session: Session, leaderboard: string): Promise<void> {
  const finding = (await session.operator()).findBoard({ leaderboard }, CALL);
  await noteUnless(session, finding, `no score on the board ${leaderboard} has counted yet`);
}

async function noteUnless(
  session: Session,
  finding: Promise<{ known: boolean }>,
  note: string,
): Promise<void> {
  const { known } = await finding.catch(() => ({ known: true }));
  if (!known) session.complain(`note: ${note}\n`);
}
