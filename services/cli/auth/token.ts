/** `token`: issues one access token, or one for each line of standard input. Prints only the tokens. */
import type { Command } from 'commander';
import { parseUserId } from '../../shared/values/identifiers.ts';
import { parseUsername } from '../../shared/values/username.ts';
import type { CommandSite } from '../connect/command-site.ts';
import type { AuthClient } from '../connect/connect-auth.ts';
import type { Session } from '../connect/session.ts';
import { lineWords, mapLines } from '../terminal/map-lines.ts';
import { formatEach, type Print } from '../terminal/print.ts';
import { expectOutput, reading, STANDARD_INPUT } from '../terminal/words.ts';

/** A person waits for one answer; the requests of a large file wait for each other. */
const LIMIT_MS = 10_000;
/** The service combines concurrent requests into one write of profiles. */
const IN_FLIGHT = 64;

interface Options {
  readonly name?: string;
  readonly json?: boolean;
}

export function defineToken(program: Command, { session, print, act }: CommandSite): void {
  program
    .command('token')
    .description('issue an access token for a player; with "-", one for each line "USER" of standard input')
    .argument(
      '<user>',
      'the player, or "-" for standard input',
      reading((text) => (text === STANDARD_INPUT ? text : parseUserId(text))),
    )
    .option('--name <name>', 'the name on the boards; the user id by default', reading(parseUsername))
    .action(
      act(async (user: string, { name, json = false }: Options, command: Command) => {
        if (user !== STANDARD_INPUT) return printToken(session, print, user, name);
        if (name !== undefined) command.error('error: --name is for one player, not for standard input');
        return issueTokens(session, formatEach('token', json));
      }),
    );
}

/** Parses one line of standard input: "USER". */
export function parseTokenLine(line: string): string {
  const [user = ''] = lineWords(line, ['USER']);
  return parseUserId(user);
}

async function printToken(session: Session, print: Print, userId: string, name = ''): Promise<void> {
  expectOutput(session);
  const auth = await session.auth();
  // If the name is empty, the service uses the user id.
  const token = await issueToken(auth, userId, name);
  await print(`${token}\n`, { token });
}

async function issueTokens(session: Session, format: (token: string) => string): Promise<void> {
  expectOutput(session);
  const auth = await session.auth();
  await mapLines({
    chunks: session.input(),
    parse: parseTokenLine,
    send: async (users) =>
      Promise.all(users.map(async (userId) => format(await issueToken(auth, userId, '')))),
    batchSize: 1,
    inFlight: IN_FLIGHT,
    write: session.write,
  });
}

async function issueToken(auth: AuthClient, userId: string, username: string): Promise<string> {
  const { accessToken } = await auth.issueToken({ userId, username }, { limitMs: LIMIT_MS });
  return accessToken;
}
