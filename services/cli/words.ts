/** How commands read their words: the usage, options with values, and refusals that end with code 2. */
import { parseArgs } from 'node:util';
import { AppError } from '../shared/app-error.ts';
import { parseUserId } from '../shared/identifiers.ts';
import { InputError } from './input-error.ts';

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
  limits show [BOARD]                           what players may do on a board, or on all
  limits set BOARD [--kind KIND] [--max-points N] [--max-window-points N] [--max-window-actions N] [--window SECONDS]
             [--min-interval MS]                replaces the rule for all actions, or for those of a kind
  limits clear BOARD [--kind KIND]              takes the rule away
  flags list [--limit N]                        players who stand out
  flags clear USER                              forgets what was seen of a player
  flags clear --all                             forgets everything
  quarantine USER                               no scores of this player are accepted any more
  quarantine --list                             the players of whom none are
  release USER                                  accepts them again
  certs [--out DIR] [--days N] [--force]        an authority and a certificate for each service, in a folder
  audit head                                    where the chain of the audit log ends now: write it down elsewhere
  audit verify [--head HEAD] [--file FILE]      recomputes the chain, or an export of it; exit code 1 when it differs
  audit export                                  the chain and its actions, one JSON object a line
  audit rejected [--user USER] [--limit N]      attempts that were refused, newest first
  audit erase USER                              takes a player out of everything, for ever; the chain holds
`;

const LIST_DEFAULT = '100';
const LIMIT = /^([1-9]\d{0,2}|1000)$/;

/** Words and options, each option with a value. */
export function read<Option extends string>(
  args: readonly string[],
  ...names: readonly Option[]
): { words: string[] } & Partial<Record<Option, string>> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    });
    return { words: positionals, ...(values as Partial<Record<Option, string>>) };
  } catch (error) {
    throw new InputError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

export function expectWords(words: readonly string[], count: number): readonly string[] {
  if (words.length !== count) throw new InputError(USAGE);
  return words;
}

/** A refused value is the operator's mistake here. */
export function named<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof AppError) throw new InputError(error.message);
    throw error;
  }
}

/** One word; a mistyped option is no player. */
export function parsePlayer(args: readonly string[]): string {
  const [user] = expectWords(read(args).words, 1);
  return named(() => parseUserId(user));
}

/** How many of a list to show: from 1 to what the service lists at once. */
export function parseListLimit(limit = LIST_DEFAULT): number {
  if (!LIMIT.test(limit)) throw new InputError('the limit is a number from 1 to 1000');
  return Number(limit);
}
