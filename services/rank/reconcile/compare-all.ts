/**
 * One full comparison of every board, in parts that the caller asks for one after another: all players in value, and no
 * player, place or board that the truth does not know. The order needs no look of its own: it is the sorted set's own order over
 * exactly these values. Changes nothing; a difference is reported when a second look a moment later confirms it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../shared/errors/app-error.ts';
import type { IndexContents } from '../index/index-contents.ts';
import type { IndexKeeper } from '../rebuild/index-keeper.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import type { CompareIndex, Drift } from './compare-index.ts';
import { SETTLED_AFTER_MS } from './recent-players.ts';

export interface ComparedPart {
  readonly leaderboard: string;
  readonly players: number;
  readonly drift: readonly Drift[];
  /** Empty when everything has been compared. */
  readonly cursor: string;
}

export interface CompareAll {
  /** Refuses with INDEX_UNAVAILABLE while boards are not read from Redis, or when the index changed meanwhile. */
  next(cursor: string): Promise<ComparedPart>;
}

export interface CompareAllOptions {
  compare: CompareIndex;
  contents: IndexContents;
  truth: Pick<TruthStore, 'leaderboards' | 'scan'>;
  keeper: Pick<IndexKeeper, 'state'>;
}

/** Players of one part: some ten milliseconds of either server. */
const PART_PLAYERS = 2_000;
/** As many players by pages of Redis' scan. */
const PART_PAGES = 4;
/**
 * Each board is walked along the truth, then along the index's players, then along its order. After the last one Redis' keys
 * are walked, and each board that only the index has along its players and its order.
 */
const BOARD_WALKS = ['truth', 'players', 'order'] as const;
const WALKS = [...BOARD_WALKS, 'keys'] as const;
type BoardWalk = (typeof BOARD_WALKS)[number];

interface Cursor {
  readonly walk: (typeof WALKS)[number];
  /** Of a walk along the keys: the last board of this page that has been walked. */
  readonly leaderboard: string;
  /** A user id, or Redis' own cursor. Empty at the beginning. */
  readonly position: string;
  /** The page of keys on which the board was found; empty for a board that the truth knows. */
  readonly page: string;
}

const FIRST_KEYS: Cursor = { walk: 'keys', leaderboard: '', position: '', page: '' };

export function createCompareAll({ compare, contents, truth, keeper }: CompareAllOptions): CompareAll {
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

  /** Where to go on when a walk along a board has come to its end. */
  async function after(walk: BoardWalk, { leaderboard, page }: Cursor): Promise<Cursor> {
    const nextWalk = BOARD_WALKS[BOARD_WALKS.indexOf(walk) + 1];
    if (nextWalk !== undefined) return { walk: nextWalk, leaderboard, position: '', page };
    if (page !== '') return { walk: 'keys', leaderboard, position: page, page: '' };
    return boardAfter(leaderboard);
  }

  async function boardAfter(leaderboard: string): Promise<Cursor> {
    const next = (await truth.leaderboards()).find((board) => board > leaderboard);
    return next === undefined ? FIRST_KEYS : { walk: 'truth', leaderboard: next, position: '', page: '' };
  }

  /** To the next board that only the index has, or to a page further on; undefined at the end. */
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
    async next(text) {
      const { epoch, source } = keeper.state;
      if (source !== 'redis') throw new AppError('INDEX_UNAVAILABLE', { retryAfterMs: 1_000 });
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

/** Some pages of Redis' own scan, from its beginning when there is no position yet; `end` is undefined after the last one. */
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

/** Another epoch counts now: what was compared so far says nothing about it. */
function certain<Answer>(answer: Answer | undefined): Answer {
  if (answer === undefined) throw new AppError('INDEX_UNAVAILABLE', { retryAfterMs: 1_000 });
  return answer;
}

/** Neither board ids nor user ids hold a space. */
function printCursor({ walk, leaderboard, position, page }: Cursor): string {
  return `${walk} ${leaderboard} ${position} ${page}`;
}

function parseCursor(text: string): Cursor {
  const [word, leaderboard = '', position = '', page = ''] = text.split(' ');
  const walk = WALKS.find((name) => name === word);
  if (walk === undefined) throw new AppError('LIMIT_INVALID', { message: 'The cursor is not one of ours.' });
  return { walk, leaderboard, position, page };
}
