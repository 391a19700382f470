/**
 * Compares every board once in full, in parts that the caller requests one after another: each player's values, and whether the
 * index has players, places or boards that Postgres does not have. The order needs no comparison, since it is the sorted set's
 * own order over exactly these values. Changes nothing. A difference is reported when a second reading a moment later confirms it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../shared/errors/app-error.ts';
import type { IndexContents } from '../index/index-contents.ts';
import type { KnownIndex } from '../rebuild/known-index.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import type { CompareIndex, Drift } from './compare-index.ts';
import { SETTLED_AFTER_MS } from './recent-players.ts';

export interface ComparedPart {
  readonly leaderboard: string;
  readonly players: number;
  readonly drift: readonly Drift[];
  /** Where the next part begins. Empty after the last part. */
  readonly cursor: string;
}

export interface CompareAllOptions {
  compare: CompareIndex;
  contents: IndexContents;
  truth: Pick<TruthStore, 'boardAfter' | 'scan'>;
  known: Pick<KnownIndex, 'redisEpoch'>;
}

/** Players per part: some ten milliseconds of either server. */
const PART_PLAYERS = 2_000;
/** Pages of Redis' scan per part, with about as many players. */
const PART_PAGES = 4;
const RETRY_AFTER_MS = 1_000;
/**
 * Each board is walked along its players in Postgres, then along its players in the index, then along its order there. After the
 * last board Redis' keys are walked, and each board that only the index has along its players and its order.
 */
const BOARD_WALKS = ['truth', 'players', 'order'] as const;
const WALKS = [...BOARD_WALKS, 'keys'] as const;
type BoardWalk = (typeof BOARD_WALKS)[number];

interface Cursor {
  readonly walk: (typeof WALKS)[number];
  /** In a walk along the keys: the last board of this page that has been walked. */
  readonly leaderboard: string;
  /** A user id, or Redis' own cursor. Empty at the beginning. */
  readonly position: string;
  /** The page of keys on which the board was found. Empty for a board that Postgres has. */
  readonly page: string;
}

const FIRST_KEYS: Cursor = { walk: 'keys', leaderboard: '', position: '', page: '' };

export type CompareAll = ReturnType<typeof createCompareAll>;

export function createCompareAll({ compare, contents, truth, known }: CompareAllOptions) {
  async function alongTruth(epoch: bigint, { leaderboard, position }: Cursor) {
    const states = await truth.scan(leaderboard, position, PART_PLAYERS);
    const suspects = certain(await compare.suspects(epoch, leaderboard, states));
    if (suspects.length > 0) await delay(SETTLED_AFTER_MS);
    const drift = suspects.length === 0 ? [] : certain(await compare.confirm(epoch, leaderboard, suspects));
    const last = states.length < PART_PLAYERS ? undefined : states.at(-1)?.userId;
    return { players: states.length, drift, position: last };
  }

  async function alongPlayers(epoch: bigint, { leaderboard, position }: Cursor) {
    const { found, end } = await alongPages(position, async (cursor) => {
      const { cursor: next, userIds } = await contents.scanPlayers(epoch, leaderboard, cursor);
      return { cursor: next, found: userIds };
    });
    const drift = certain(await compare.unknownPlayers(epoch, leaderboard, found));
    return { players: 0, drift, position: end };
  }

  async function alongOrder(epoch: bigint, { leaderboard, position }: Cursor) {
    const { found, end } = await alongPages(position, async (cursor) => {
      const page = certain(await contents.scanStrays(epoch, leaderboard, cursor, 'look'));
      return { cursor: page.cursor, found: page.strays };
    });
    const drift = found.map(
      (member): Drift => ({
        kind: 'stray',
        userId: member,
        truth: undefined,
        held: { raw: member, state: undefined },
      }),
    );
    return { players: 0, drift, position: end };
  }

  const walks = { truth: alongTruth, players: alongPlayers, order: alongOrder };

  /** The cursor after the end of a walk along a board. */
  async function after(walk: BoardWalk, { leaderboard, page }: Cursor): Promise<Cursor> {
    const nextWalk = BOARD_WALKS[BOARD_WALKS.indexOf(walk) + 1];
    if (nextWalk !== undefined) return { walk: nextWalk, leaderboard, position: '', page };
    if (page !== '') return { walk: 'keys', leaderboard, position: page, page: '' };
    return boardAfter(leaderboard);
  }

  async function boardAfter(leaderboard: string): Promise<Cursor> {
    const next = await truth.boardAfter(leaderboard);
    return next === undefined ? FIRST_KEYS : { walk: 'truth', leaderboard: next, position: '', page: '' };
  }

  /** The next board that only the index has, or a later page of keys. Undefined at the end. */
  async function alongKeys(epoch: bigint, { leaderboard, position }: Cursor): Promise<Cursor | undefined> {
    let [page, walked] = [position || '0', leaderboard];
    for (let pages = 0; pages < PART_PAGES; pages += 1) {
      const { cursor, leaderboards } = await compare.unknownBoards(epoch, page);
      const unknown = leaderboards.find((board) => board > walked);
      if (unknown !== undefined) return { walk: 'players', leaderboard: unknown, position: '', page };
      if (cursor === '0') return undefined;
      [page, walked] = [cursor, ''];
    }
    return { walk: 'keys', leaderboard: '', position: page, page: '' };
  }

  return {
    /** Refuses with INDEX_UNAVAILABLE while boards are not read from Redis, and when the index changed meanwhile. */
    async next(text: string): Promise<ComparedPart> {
      const epoch = certain(known.redisEpoch);
      const cursor = text === '' ? await boardAfter('') : parseCursor(text);
      const { walk, leaderboard } = cursor;
      if (walk === 'keys') {
        const next = await alongKeys(epoch, cursor);
        return { leaderboard: '', players: 0, drift: [], cursor: next ? printCursor(next) : '' };
      }
      const { players, drift, position } = await walks[walk](epoch, cursor);
      const next = position === undefined ? await after(walk, cursor) : { ...cursor, position };
      return { leaderboard, players, drift, cursor: printCursor(next) };
    },
  };
}

/** Some pages of Redis' scan, from its beginning when the position is empty. `end` is undefined after the last page. */
async function alongPages(
  position: string,
  read: (cursor: string) => Promise<{ cursor: string; found: readonly string[] }>,
): Promise<{ found: string[]; end: string | undefined }> {
  const found: string[] = [];
  let cursor = position || '0';
  for (let pages = 0; pages < PART_PAGES; pages += 1) {
    const page = await read(cursor);
    found.push(...page.found);
    cursor = page.cursor;
    if (cursor === '0') return { found, end: undefined };
  }
  return { found, end: cursor };
}

/** Undefined means that another epoch counts by now, about which earlier parts say nothing. */
function certain<Answer>(answer: Answer | undefined): Answer {
  if (answer === undefined) throw new AppError('INDEX_UNAVAILABLE', { retryAfterMs: RETRY_AFTER_MS });
  return answer;
}

/** Board ids and user ids contain no space. */
function printCursor({ walk, leaderboard, position, page }: Cursor): string {
  return `${walk} ${leaderboard} ${position} ${page}`;
}

function parseCursor(text: string): Cursor {
  const [word, leaderboard = '', position = '', page = ''] = text.split(' ');
  const walk = WALKS.find((name) => name === word);
  if (walk === undefined)
    throw new AppError('LIMIT_INVALID', {
      message: 'The cursor is not from an earlier answer. Start with an empty one.',
    });
  return { walk, leaderboard, position, page };
}
