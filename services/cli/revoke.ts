/** `revoke`: takes back one token, or every token of a player until now. Says "revoked" once the running service refuses them. */
import type { Command } from 'commander';
import type { Revocation } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { systemClock } from '../shared/settings/clock.ts';
import { runAuthProgram } from './child-command.ts';
import type { CommandSite } from './command-site.ts';
import { findAuth, untilObeyed } from './obeyed.ts';
import type { Session } from './session.ts';
import { InputError, reading, readUser } from './words.ts';

const TOKEN_ID = /^[\x21-\x7e]{1,128}$/;

export function defineRevoke(program: Command, { session, act }: CommandSite): void {
  const revoke = program.command('revoke').description('takes tokens back');
  revoke
    .command('token')
    .description('one token')
    .argument('<jti>', 'the id of the token, its claim "jti"', reading(readTokenId))
    .action(act(async (tokenId: string) => revokeSubject(session, 'token', tokenId)));
  revoke
    .command('player')
    .description('every token of a player that was issued until now')
    .argument('<user>', 'the player', readUser)
    .action(act(async (user: string) => revokeSubject(session, 'player', user)));
}

/** The exit code. */
export async function revokeSubject(
  session: Session,
  kind: 'token' | 'player',
  subject: string,
): Promise<number> {
  const auth = await findAuth(session);
  const sinceUnix = BigInt(Math.floor(systemClock.now() / 1_000));
  const { code } = await runAuthProgram(session.env, 'revoke', [kind, subject]);
  if (code !== 0) return code;
  if (auth === undefined) {
    await session.write(
      `recorded ${subject}: no auth service runs here, the next one to start refuses the tokens\n`,
    );
    return 0;
  }
  const wanted = kind === 'token' ? 'tokenId' : 'userId';
  const isThis = (each: Revocation) =>
    each.subject.case === wanted && each.subject.value === subject && each.revokedAtUnix >= sinceUnix;
  await untilObeyed(auth, ({ revocations }) => revocations.some(isThis));
  await session.write(`revoked ${subject}\n`);
  return 0;
}

function readTokenId(text: string): string {
  if (!TOKEN_ID.test(text))
    throw new InputError('A token id is 1 to 128 printable ASCII characters without spaces.');
  return text;
}
