/** What the operator asked for, as typed values; everything that does not fit exactly is refused with a reason. */
import { parseArgs } from 'node:util';
import { AppError } from '../shared/app-error.ts';
import {
  parseActionId,
  parseLeaderboard,
  parsePoints,
  parseUserId,
  parseUsername,
} from '../shared/identifiers.ts';
import { AUDIT_USAGE, type AuditCommand, parseAudit } from './audit-command.ts';
import { InputError } from './input-error.ts';

export { InputError };

export const USAGE = `usage: npm run --silent cli -- <command>

  token USER [--name NAME]                      an access token for a player
  token -                                       one for each line "USER" of standard input
  sign USER ACTION POINTS [--leaderboard ID]    a signature for an action of a player
  sign - [--leaderboard ID]                     one for each line "USER ACTION POINTS" of standard input
  status                                        the processes of the running stack
  outbox list [--limit N]                       accepted scores that wait for delivery, the given up first
  outbox replay ID…                             tries these again now
  outbox replay --all                           tries again all that were given up
  verify                                        compares every board with the database; exit code 1 when it differs
  keys list                                     the signing keys
  keys rotate token|action                      makes a new key, which signs from soon on
  keys withdraw token|action KID                takes a key back: what it signed is worth nothing any more
  revoke token JTI                              one token is worth nothing any more
  revoke player USER                            so is every token of a player until now
  certs [--out DIR] [--days N] [--force]        an authority and a certificate for each service, in a folder
${AUDIT_USAGE}`;

export interface Action {
  readonly leaderboard: string;
  readonly userId: string;
  readonly actionId: string;
  readonly points: bigint;
}

export type Command =
  | { readonly name: 'token'; readonly userId: string; readonly username: string }
  | { readonly name: 'tokens' }
  | { readonly name: 'sign'; readonly action: Action }
  | { readonly name: 'signs'; readonly leaderboard: string }
  | { readonly name: 'status' }
  | { readonly name: 'outbox list'; readonly limit: number }
  | {
      readonly name: 'outbox replay' /** Empty means all that were given up. */;
      readonly ids: readonly bigint[];
    }
  | { readonly name: 'verify' }
  | AuditCommand
  | { readonly name: 'keys' | 'revoke' | 'certs'; readonly words: readonly string[] };

const STANDARD_INPUT = '-';
const OUTBOX_LIMIT = '100';
/** From 1 to what the service lists at once. */
const LIMIT = /^([1-9]\d{0,2}|1000)$/;
const OUTBOX_ID = /^[1-9]\d{0,17}$/;
/** Longer than any number that counts. */
const POINTS = /^\d{1,20}$/;

export function parseCommandLine(args: readonly string[]): Command {
  const [name, ...rest] = args;
  switch (name) {
    case 'token': {
      const { words, name: username } = read(rest, 'name');
      const [user = ''] = expectWords(words, 1);
      if (user === STANDARD_INPUT && username === undefined) return { name: 'tokens' };
      return {
        name: 'token',
        userId: named(() => parseUserId(user)),
        // Empty lets the service take the user id.
        username: username === undefined ? '' : named(() => parseUsername(username)),
      };
    }
    case 'sign': {
      const { words, leaderboard: board } = read(rest, 'leaderboard');
      const leaderboard = named(() => parseLeaderboard(board));
      if (words.length === 1 && words[0] === STANDARD_INPUT) return { name: 'signs', leaderboard };
      return { name: 'sign', action: parseAction(expectWords(words, 3), leaderboard) };
    }
    case 'status':
      expectWords(rest, 0);
      return { name: 'status' };
    case 'outbox':
      return parseOutbox(rest);
    case 'verify':
      expectWords(rest, 0);
      return { name: 'verify' };
    case 'audit':
      return parseAudit(rest);
    case 'keys':
      return { name: 'keys', words: parseKeysWords(rest) };
    case 'revoke':
      return { name: 'revoke', words: parseRevokeWords(rest) };
    case 'certs':
      // Read by the program that makes them.
      return { name: 'certs', words: rest };
    default:
      throw new InputError(name === undefined ? USAGE : `there is no command "${name}"\n${USAGE}`);
  }
}

/** One line of standard input: "USER". */
export function parseTokenLine(line: string): string {
  const [user = ''] = lineWords(line, 1, 'USER');
  return named(() => parseUserId(user));
}

/** One line of standard input: "USER ACTION POINTS". */
export function parseActionLine(line: string, leaderboard: string): Action {
  return parseAction(lineWords(line, 3, 'USER ACTION POINTS'), leaderboard);
}

function parseAction([user, action, points = '']: readonly string[], leaderboard: string): Action {
  return named(() => {
    if (!POINTS.test(points)) throw new AppError('POINTS_INVALID');
    return {
      leaderboard,
      userId: parseUserId(user),
      actionId: parseActionId(action),
      points: parsePoints(BigInt(points)),
    };
  });
}

function parseOutbox([verb, ...rest]: readonly string[]): Command {
  if (verb === 'list') {
    const { words, limit = OUTBOX_LIMIT } = read(rest, 'limit');
    expectWords(words, 0);
    if (!LIMIT.test(limit)) throw new InputError('the limit is a number from 1 to 1000');
    return { name: 'outbox list', limit: Number(limit) };
  }
  if (verb !== 'replay' || rest.length === 0) throw new InputError(USAGE);
  if (rest.length === 1 && rest[0] === '--all') return { name: 'outbox replay', ids: [] };
  const wrong = rest.find((id) => !OUTBOX_ID.test(id));
  if (wrong !== undefined) throw new InputError(`"${wrong}" is not a number from "outbox list"`);
  return { name: 'outbox replay', ids: rest.map(BigInt) };
}

function parseKeysWords(words: readonly string[]): readonly string[] {
  const [verb, kind] = words;
  const isKind = kind === 'token' || kind === 'action';
  const fits =
    (verb === 'list' && words.length === 1) ||
    (verb === 'rotate' && isKind && words.length === 2) ||
    (verb === 'withdraw' && isKind && words.length === 3);
  if (!fits) throw new InputError(USAGE);
  return words;
}

/** Both are named by the same characters as a user id. */
function parseRevokeWords(words: readonly string[]): readonly string[] {
  const [kind, subject] = expectWords(words, 2);
  if (kind !== 'token' && kind !== 'player') throw new InputError(USAGE);
  return [kind, named(() => parseUserId(subject))];
}

function read<Option extends string>(
  args: readonly string[],
  option: Option,
): { words: string[] } & Partial<Record<Option, string>> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { [option]: { type: 'string' } },
    });
    return { words: positionals, ...(values as Partial<Record<Option, string>>) };
  } catch (error) {
    throw new InputError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

function expectWords(words: readonly string[], count: number): readonly string[] {
  if (words.length !== count) throw new InputError(USAGE);
  return words;
}

function lineWords(line: string, count: number, form: string): string[] {
  const words = line.trim().split(/\s+/);
  if (words.length !== count || words[0] === '') throw new InputError(`expected "${form}"`);
  return words;
}

/** A refused value is the operator's mistake here. */
function named<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof AppError) throw new InputError(error.message);
    throw error;
  }
}
