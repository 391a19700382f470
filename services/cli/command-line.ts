/** What the operator asked for, as typed values; everything that does not fit exactly is refused with a reason. */
import { AppError } from '../shared/app-error.ts';
import {
  parseActionId,
  parseLeaderboard,
  parsePoints,
  parseUserId,
  parseUsername,
} from '../shared/identifiers.ts';
import { type AuditCommand, parseAudit } from './audit-command.ts';
import { InputError } from './input-error.ts';
import {
  type LimitsCommand,
  parseFlags,
  parseLimits,
  parseQuarantine,
  parseRelease,
} from './limits-words.ts';
import { expectWords, named, parseListLimit, read, USAGE } from './words.ts';

export { InputError };

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
  | LimitsCommand
  | { readonly name: 'keys' | 'revoke' | 'certs'; readonly words: readonly string[] };

const STANDARD_INPUT = '-';
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
    case 'limits':
      return parseLimits(rest);
    case 'flags':
      return parseFlags(rest);
    case 'quarantine':
      return parseQuarantine(rest);
    case 'release':
      return parseRelease(rest);
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
    const { words, limit } = read(rest, 'limit');
    expectWords(words, 0);
    return { name: 'outbox list', limit: parseListLimit(limit) };
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

function lineWords(line: string, count: number, form: string): string[] {
  const words = line.trim().split(/\s+/);
  if (words.length !== count || words[0] === '') throw new InputError(`expected "${form}"`);
  return words;
}
