/** `revoke`: revokes one token, or all tokens of a player issued until now. Prints "revoked" once the running service refuses them. */
import type { Command } from 'commander';
import type { Revocation } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { systemClock } from '../../shared/settings/clock.ts';
import type { CommandSite } from '../connect/command-site.ts';
import type { Session } from '../connect/session.ts';
import { InputError, reading, readUser } from '../terminal/words.ts';
import { runAuthProgram } from './run-auth-program.ts';
import { findAuth, waitUntilTaken } from './wait-until-taken.ts';

const TOKEN_ID = /^[\x21-\x7e]{1,128}$/;

export type Revoked = 'revoked' | 'recorded';

export function defineRevoke(program: Command, { session, print, act }: CommandSite): void {
  const revoke = program.command('revoke').description('revoke access tokens');
  const run = async (kind: 'token' | 'player', subject: string) => {
    const state = await revokeSubject(session, kind, subject);
    await print(`${describeRevoked(state, subject)}\n`, { kind, subject, state });
  };
  revoke
    .command('token')
    .description('revoke one token')
    .argument('<jti>', 'the id of the token: its claim "jti"', reading(readTokenId))
    .action(act(async (tokenId: string) => run('token', tokenId)));
  revoke
    .command('player')
    .description('revoke all tokens of a player issued until now')
    .argument('<user>', 'the player', readUser)
    .action(act(async (user: string) => run('player', user)));
}

export function describeRevoked(state: Revoked, subject: string): string {
  return state === 'revoked'
    ? `revoked ${subject}`
    : `recorded ${subject}: no auth service is running here; it will refuse the tokens from its next start`;
}

/** Returns "revoked" once the running service refuses the tokens, "recorded" if none runs. Rejects if nothing was recorded. */
export async function revokeSubject(
  session: Session,
  kind: 'token' | 'player',
  subject: string,
): Promise<Revoked> {
  const auth = await findAuth(session);
  const sinceUnix = BigInt(Math.floor(systemClock.now() / 1_000));
  const { code } = await runAuthProgram(session.env, 'revoke', [kind, subject]);
  // The program has said why.
  if (code !== 0) throw new Error(`not revoked: ${subject}`);
  if (auth === undefined) return 'recorded';
  const wanted = kind === 'token' ? 'tokenId' : 'userId';
  const isThis = (each: Revocation) =>
    each.subject.case === wanted && each.subject.value === subject && each.revokedAtUnix >= sinceUnix;
  await waitUntilTaken(auth, ({ revocations }) => revocations.some(isThis));
  return 'revoked';
}

function readTokenId(text: string): string {
  if (!TOKEN_ID.test(text))
    throw new InputError('A token id has 1 to 128 printable ASCII characters without spaces.');
  return text;
}
