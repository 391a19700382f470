/**
 * The accept step of the open lane: many actions, one commit. It is optimistic: the batch is written as if every action were
 * new and every total fitted. If Postgres reports a repeat, the known actions are read and get their first answer again, and the
 * others are written in another attempt. Some actions are left out, without an answer, because totals can't tell what each of them
 * did: those of a player whose total would exceed the limit, and on a board that does not add up, a player's actions after the
 * first. Repeats within a batch share the entry of the first.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import type { Deadline } from '../../shared/flow/deadline.ts';
import { playerKey, toScore, toValue } from '../../shared/values/board.ts';
import { MAX_SCORE } from '../../shared/values/identifiers.ts';
import {
  type AcceptedBatch,
  type AcceptStore,
  type ActionRow,
  changesSum,
  type LedgerEntry,
  type PlayerTotal,
} from './accept-store.ts';
import type { AcceptAnswer, Action } from './action.ts';

export interface AcceptResult {
  /** In the order of the actions. Undefined for an action that was left out: the judged lane decides on it. */
  readonly answers: ReadonlyArray<AcceptAnswer | AppError | undefined>;
  /** What was committed; undefined if nothing was. */
  readonly batch: AcceptedBatch | undefined;
}

/** The accept step of a lane. */
export type Accept = (actions: readonly Action[], deadline: Deadline) => Promise<AcceptResult>;

/** Each failed attempt means that another writer committed one of our actions meanwhile; more than a few is a fault. */
const MAX_ATTEMPTS = 5;

const keyOf = (action: { userId: string; actionId: string }): string => `${action.userId} ${action.actionId}`;

/** A repeat with the same contents gets the first answer, unless the action is void; with other contents it is a conflict. */
function answerRepeat(action: Action, stored: LedgerEntry): AcceptAnswer | AppError {
  if (action.leaderboard !== stored.leaderboard || action.points !== stored.points) {
    return new AppError('ACTION_CONFLICT');
  }
  if (stored.isVoid) return new AppError('ACTION_VOIDED');
  return { ...toAnswer(stored), replayed: true };
}

function toAnswer({ scoreAfter, changedScore, version }: LedgerEntry) {
  return { newScore: scoreAfter, changed: changedScore, version };
}

export async function acceptScores(
  store: AcceptStore,
  actions: readonly Action[],
  deadline: Pick<Deadline, 'remainingMs'>,
): Promise<AcceptResult> {
  const keys = actions.map(keyOf);
  const firsts = new Map<string, Action>();
  for (const [index, action] of actions.entries()) {
    const key = keys[index] ?? '';
    if (!firsts.has(key)) firsts.set(key, action);
  }

  const known = new Map<string, LedgerEntry>();
  let written: WrittenBatch | undefined;
  for (let attempt = 1; written === undefined; attempt += 1) {
    const fresh = [...firsts].flatMap(([key, action]) => (known.has(key) ? [] : [action]));
    if (fresh.length === 0) break;
    written = await writeBatch(store, fresh, deadline.remainingMs());
    if (written !== undefined) break;
    if (attempt === MAX_ATTEMPTS) throw new AppError('OVERLOADED', { retryAfterMs: 1000 });
    for (const entry of await store.find(fresh, deadline.remainingMs())) known.set(keyOf(entry), entry);
  }

  const answers = actions.map((action, index) => {
    const key = keys[index] ?? '';
    const before = known.get(key);
    if (before !== undefined) return answerRepeat(action, before);
    const now = written?.entries.get(key);
    if (now === undefined) return undefined;
    if (firsts.get(key) !== action) return answerRepeat(action, now);
    return { ...toAnswer(now), replayed: false };
  });
  return { answers, batch: written?.batch };
}

interface WrittenBatch {
  readonly batch: AcceptedBatch;
  /** By user and action id; an action that was left out is missing. */
  readonly entries: ReadonlyMap<string, LedgerEntry>;
}

async function writeBatch(
  store: AcceptStore,
  actions: readonly Action[],
  limitMs: number,
): Promise<WrittenBatch | undefined> {
  const { players, rows } = foldByPlayer(actions);
  const batch = await store.insert(players, rows, limitMs);
  if (batch === undefined) return undefined;
  const states = new Map(batch.players.map((player) => [playerKey(player), player]));
  const entries = new Map<string, LedgerEntry>();
  for (const row of rows) {
    const state = states.get(playerKey(row));
    if (state === undefined) continue;
    const { leaderboard, userId, actionId, points, operator } = row;
    const scoreAfter = toScore(state.points - row.pointsAfter);
    const version = state.version - BigInt(row.actionsAfter);
    const changedScore = operator === 'sum' ? changesSum({ points, version }) : state.changed;
    entries.set(keyOf(row), { leaderboard, userId, actionId, points, scoreAfter, changedScore, version });
  }
  return { batch, entries };
}

/** The player's sums in the batch up to and including one action. */
interface Running {
  readonly action: Action;
  readonly total: { -readonly [K in keyof PlayerTotal]: PlayerTotal[K] };
  readonly points: bigint;
  readonly actions: number;
}

/**
 * The totals of each player and, for each action, the sums of the player's later actions of the batch. Some players and actions
 * are left out.
 */
export function foldByPlayer(actions: readonly Action[]): {
  players: PlayerTotal[];
  rows: ActionRow[];
} {
  const totals = new Map<string, Running['total']>();
  // Places in a batch count from 1, as in SQL.
  const running = firstsUnlessSum(actions).map((action, index) => addTo(totals, action, index + 1));
  const players = [...totals.values()];
  if (players.some(isBeyond)) {
    // Such a sum fits into no row, and must not fail the actions of other players.
    return foldByPlayer(running.flatMap(({ action, total }) => (isBeyond(total) ? [] : [action])));
  }
  const rows = running.map(({ action, total, points, actions: count }) => ({
    leaderboard: action.leaderboard,
    operator: action.board.operator,
    userId: action.userId,
    actionId: action.actionId,
    points: action.points,
    keyId: action.keyId,
    caller: action.caller,
    pointsAfter: total.points - points,
    actionsAfter: total.actions - count,
  }));
  return { players, rows };
}

/** On a board that does not add up, the standing score after a batch says only what one action of a player did. */
function firstsUnlessSum(actions: readonly Action[]): readonly Action[] {
  const players = new Set<string>();
  return actions.filter((action) => {
    if (action.board.operator === 'sum') return true;
    const key = playerKey(action);
    if (players.has(key)) return false;
    players.add(key);
    return true;
  });
}

const isBeyond = ({ points }: Pick<PlayerTotal, 'points'>): boolean => toScore(points) > MAX_SCORE;

function addTo(totals: Map<string, Running['total']>, action: Action, place: number): Running {
  const key = playerKey(action);
  const { leaderboard, userId, username, board } = action;
  const points = toValue(action.points, board.order);
  const known = totals.get(key);
  if (known === undefined) {
    const { operator } = board;
    const total = { leaderboard, operator, userId, username, points, actions: 1, reachedAt: place };
    totals.set(key, total);
    return { action, total, points, actions: 1 };
  }
  known.points += points;
  known.actions += 1;
  if (points !== 0n) known.reachedAt = place;
  if (username !== '') known.username = username;
  return { action, total: known, points: known.points, actions: known.actions };
}
