/** The words of the commands about what players may do. */
import { MAX_SCORE, parseActionId, parseLeaderboard } from '../shared/identifiers.ts';
import { InputError } from './input-error.ts';
import { expectWords, named, parseListLimit, parsePlayer, read, USAGE } from './words.ts';

/** What one player may do on a board; what is left out limits nothing. */
export interface BoardLimits {
  readonly leaderboard: string;
  /** Empty is the rule for all actions of the board. */
  readonly kind: string;
  readonly maxPoints?: bigint;
  readonly maxWindowPoints?: bigint;
  readonly maxWindowActions?: bigint;
  readonly windowMs?: bigint;
  readonly minIntervalMs?: bigint;
}

export type LimitsCommand =
  | { readonly name: 'limits show'; readonly leaderboard: string /** Empty means all. */ }
  | { readonly name: 'limits set'; readonly limits: BoardLimits }
  | { readonly name: 'flags list'; readonly limit: number }
  | { readonly name: 'flags clear'; readonly userId: string /** Empty means everybody's. */ }
  | { readonly name: 'quarantine' | 'release'; readonly userId: string }
  | { readonly name: 'quarantine list' };

/** The least and the largest number of each option, and how its unit counts in the field. */
const OPTIONS = {
  'max-points': { field: 'maxPoints', min: 0n, unit: 1n },
  'max-window-points': { field: 'maxWindowPoints', min: 1n, unit: 1n },
  'max-window-actions': { field: 'maxWindowActions', min: 1n, unit: 1n },
  window: { field: 'windowMs', min: 1n, unit: 1_000n },
  'min-interval': { field: 'minIntervalMs', min: 1n, unit: 1n },
} as const;

type Option = keyof typeof OPTIONS;
const OPTION_NAMES = Object.keys(OPTIONS) as Option[];
/** Longer than any number that counts. */
const WHOLE = /^\d{1,20}$/;

export function parseLimits([verb, ...rest]: readonly string[]): LimitsCommand {
  if (verb === 'show') {
    if (rest.length === 0) return { name: 'limits show', leaderboard: '' };
    const [board] = expectWords(rest, 1);
    return { name: 'limits show', leaderboard: named(() => parseLeaderboard(board)) };
  }
  if (verb !== 'set' && verb !== 'clear') throw new InputError(USAGE);
  const names = verb === 'set' ? OPTION_NAMES : [];
  const { words, kind = '', ...values } = read<Option | 'kind'>(rest, 'kind', ...names);
  const [board] = expectWords(words, 1);
  const given = OPTION_NAMES.flatMap((option) => {
    const text = values[option];
    return text === undefined ? [] : [[OPTIONS[option].field, parseNumber(option, text)] as const];
  });
  if (verb === 'set' && given.length === 0) throw new InputError(`there is no limit to set\n${USAGE}`);
  return {
    name: 'limits set',
    limits: {
      leaderboard: named(() => parseLeaderboard(board)),
      kind: kind === '' ? '' : named(() => parseActionId(kind)),
      ...Object.fromEntries(given),
    },
  };
}

export function parseFlags([verb, ...rest]: readonly string[]): LimitsCommand {
  if (verb === 'list') {
    const { words, limit } = read(rest, 'limit');
    expectWords(words, 0);
    return { name: 'flags list', limit: parseListLimit(limit) };
  }
  if (verb !== 'clear') throw new InputError(USAGE);
  if (rest.length === 1 && rest[0] === '--all') return { name: 'flags clear', userId: '' };
  return { name: 'flags clear', userId: parsePlayer(rest) };
}

export function parseQuarantine(words: readonly string[]): LimitsCommand {
  if (words.length === 1 && words[0] === '--list') return { name: 'quarantine list' };
  return { name: 'quarantine', userId: parsePlayer(words) };
}

export function parseRelease(words: readonly string[]): LimitsCommand {
  return { name: 'release', userId: parsePlayer(words) };
}

function parseNumber(option: Option, text: string): bigint {
  const { min, unit } = OPTIONS[option];
  const value = WHOLE.test(text) ? BigInt(text) : -1n;
  if (value < min || value > MAX_SCORE) {
    throw new InputError(`--${option} is a whole number from ${min} to 2^53-1`);
  }
  return value * unit;
}
