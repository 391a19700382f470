/** The query of GET /api/v1/leaderboards/{board}/entries, from text to a narrow type. Other parameters are ignored. */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { TOP_MAX } from '../../../services/shared/values/board.ts';
import { MAX_SCORE } from '../../../services/shared/values/identifiers.ts';

export interface EntriesQuery {
  /** 0 is the default. */
  readonly limit: number;
  readonly start:
    | { readonly at: 'top' }
    | { readonly at: 'me' }
    | { readonly at: 'cursor'; readonly cursor: string }
    | { readonly at: 'rank'; readonly rank: bigint };
}

const WHOLE_NUMBER = /^[1-9]\d{0,15}$/;

export function parseEntriesQuery(query: string): EntriesQuery {
  const given = new URLSearchParams(query);
  if (given.has('season')) throw invalid('This board has no seasons: leave season out.');
  const starts = (['cursor', 'around', 'from'] as const).filter((name) => given.has(name));
  if (starts.length > 1) throw invalid(`A page begins at one place: send ${starts.join(' or ')}.`);
  return { limit: parseLimit(given.get('limit')), start: parseStart(given) };
}

function parseLimit(text: string | null): number {
  if (text === null) return 0;
  const limit = WHOLE_NUMBER.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > TOP_MAX) {
    throw new AppError('LIMIT_INVALID', { message: `The page size must be 1 to ${TOP_MAX}.` });
  }
  return limit;
}

function parseStart(given: URLSearchParams): EntriesQuery['start'] {
  const [cursor, around, from] = [given.get('cursor'), given.get('around'), given.get('from')];
  if (cursor !== null) return { at: 'cursor', cursor };
  if (around !== null) {
    if (around !== 'me') throw invalid('around can only be "me".');
    return { at: 'me' };
  }
  if (from === null) return { at: 'top' };
  if (!WHOLE_NUMBER.test(from) || BigInt(from) > MAX_SCORE)
    throw invalid('from is a rank: ranks count from 1.');
  return { at: 'rank', rank: BigInt(from) };
}

function invalid(message: string): AppError {
  return new AppError('QUERY_INVALID', { message });
}
