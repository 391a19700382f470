/** `token`: access tokens, one or as many as there are lines. The output is values alone. */
import type { Command } from 'commander';
import { parseUserId, parseUsername } from '../shared/values/identifiers.ts';
import type { CommandSite } from './command-site.ts';
import { lineWords, mapLines } from './map-lines.ts';
import type { AuthClient, Session } from './session.ts';
import { expectOutput, reading, STANDARD_INPUT } from './words.ts';

/** A person waits; a file of thousands waits behind its own batches. */
const DEADLINE_MS = 10_000;
/** The service joins what arrives together into one write of profiles. */
const IN_FLIGHT = 64;

export function defineToken(program: Command, { session, act }: CommandSite): void {
  program
    .command('token')
    .description('an access token for a player; one for each line "USER" of standard input with "-"')
    .argument(
      '<user>',
      'the player, or "-"',
      reading((text) => (text === STANDARD_INPUT ? text : parseUserId(text))),
    )
    .option('--name <name>', 'the name to show', reading(parseUsername))
    .action(
      act(async (user: string, { name }: { name?: string }, command: Command) => {
        if (user !== STANDARD_INPUT) return printToken(session, user, name);
        if (name !== undefined) command.error('error: --name is for one player, not for standard input');
        return issueTokens(session);
      }),
    );
}

/** One line of standard input: "USER". */
export function parseTokenLine(line: string): string {
  const [user = ''] = lineWords(line, ['USER']);
  return parseUserId(user);
}

async function printToken(session: Session, userId: string, name: string | undefined): Promise<void> {
  expectOutput(session);
  const auth = await session.auth();
  // Without a name the service takes the user id.
  await session.write(`${await issueToken(auth, userId, name ?? '')}\n`);
}

async function issueTokens(session: Session): Promise<void> {
  expectOutput(session);
  const auth = await session.auth();
  await mapLines({
    chunks: session.input(),
    parse: parseTokenLine,
    send: async (users) => Promise.all(users.map((userId) => issueToken(auth, userId, ''))),
    batchSize: 1,
    inFlight: IN_FLIGHT,
    write: session.write,
  });
}

async function issueToken(auth: AuthClient, userId: string, username: string): Promise<string> {
  const { accessToken } = await auth.issueToken({ userId, username }, { deadlineMs: DEADLINE_MS });
  return accessToken;
}
