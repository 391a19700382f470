/**
 * The accept use case: many commands, one commit. Optimistic first: the batch is written as if every action were new and every
 * total fitted. When the database says that an action is not new, the ones accepted before are looked up, get their first answer
 * again, and the rest is tried once more. A player whose total would pass the limit is left out of the batch and not answered:
 * totals can't tell which of the player's actions are repeats and which of them fit. Repeats within the batch ride on the first
 * of their kind.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { MAX_SCORE } from '../../shared/values/identifiers.ts';
import type { AcceptedBatch, AcceptStore, ActionRow, PlayerTotal, StoredAction } from './accept-store.ts';
import type { AcceptAnswer, AcceptCommand } from './action.ts';

export interface AcceptResult {
  /** In the order of the commands. undefined for an action that was left out: it is to be judged on its own. */
  readonly answers: ReadonlyArray<AcceptAnswer | AppError | undefined>;
  /** What was committed, if anything. */
  readonly batch: AcceptedBatch | undefined;
}

/** Each failed attempt means that another writer committed one of our actions meanwhile; more than a few is a fault. */
const MAX_ATTEMPTS = 5;

const keyOf = (action: { userId: string; actionId: string }): string => `${action.userId} ${action.actionId}`;
const playerKeyOf = (player: { leaderboard: string; userId: string }): string =>
  `${player.leaderboard} ${player.userId}`;

/** Same action id: same answer when the contents are the same, else a conflict. */
function answerRepeat(command: AcceptCommand, stored: StoredAction): AcceptAnswer | AppError {
  if (command.leaderboard !== stored.leaderboard || command.points !== stored.points) {
    return new AppError('ACTION_CONFLICT');
  }
  return { newScore: stored.scoreAfter, version: stored.version, replayed: true };
}

export async function acceptScores(
  store: AcceptStore,
  commands: readonly AcceptCommand[],
  deadline: { remainingMs(): number },
): Promise<AcceptResult> {
  const keys = commands.map(keyOf);
  const firsts = new Map<string, AcceptCommand>();
  for (const [index, command] of commands.entries()) {
    const key = keys[index] ?? '';
    if (!firsts.has(key)) firsts.set(key, command);
  }

  const known = new Map<string, StoredAction>();
  let written: WrittenBatch | undefined;
  for (let attempt = 1; written === undefined; attempt += 1) {
    const fresh = [...firsts].flatMap(([key, command]) => (known.has(key) ? [] : [command]));
    if (fresh.length === 0) break;
    written = await writeBatch(store, fresh, deadline.remainingMs());
    if (written !== undefined) break;
    if (attempt === MAX_ATTEMPTS) throw new AppError('OVERLOADED', { retryAfterMs: 1000 });
    for (const action of await store.find(fresh, deadline.remainingMs())) known.set(keyOf(action), action);
  }

  const answers = commands.map((command, index) => {
    const key = keys[index] ?? '';
    const before = known.get(key);
    if (before !== undefined) return answerRepeat(command, before);
    const now = written?.actions.get(key);
    if (now === undefined) return undefined;
    if (firsts.get(key) !== command) return answerRepeat(command, now);
    return { newScore: now.scoreAfter, version: now.version, replayed: false };
  });
  return { answers, batch: written?.batch };
}

interface WrittenBatch {
  readonly batch: AcceptedBatch;
  /** By user and action id; an action that was left out is missing. */
  readonly actions: ReadonlyMap<string, StoredAction>;
}

async function writeBatch(
  store: AcceptStore,
  commands: readonly AcceptCommand[],
  limitMs: number,
): Promise<WrittenBatch | undefined> {
  const { players, rows } = foldByPlayer(commands);
  const batch = await store.insert(players, rows, limitMs);
  if (batch === undefined) return undefined;
  const states = new Map(batch.players.map((player) => [playerKeyOf(player), player]));
  const actions = new Map<string, StoredAction>();
  for (const row of rows) {
    const state = states.get(playerKeyOf(row));
    if (state === undefined) continue;
    const { leaderboard, userId, actionId, points } = row;
    const scoreAfter = state.points - row.pointsAfter;
    const version = state.version - BigInt(row.actionsAfter);
    actions.set(keyOf(row), { leaderboard, userId, actionId, points, scoreAfter, version });
  }
  return { batch, actions };
}

/** What one command adds up to, itself and the player's earlier ones of the batch included. */
interface Running {
  readonly command: AcceptCommand;
  readonly total: { -readonly [K in keyof PlayerTotal]: PlayerTotal[K] };
  readonly points: bigint;
  readonly actions: number;
}

/** Totals per player and, for each action, what the player's later actions of the batch add. Exported for its tests. */
export function foldByPlayer(commands: readonly AcceptCommand[]): {
  players: PlayerTotal[];
  rows: ActionRow[];
} {
  const totals = new Map<string, Running['total']>();
  // The database counts places in a batch from 1.
  const running = commands.map((command, index) => addTo(totals, command, index + 1));
  const players = [...totals.values()];
  if (players.some((total) => total.points > MAX_SCORE)) {
    // No row can hold such a sum; the others' actions must not fail for it.
    return foldByPlayer(running.flatMap(({ command, total }) => (total.points > MAX_SCORE ? [] : [command])));
  }
  const rows = running.map(({ command, total, points, actions }) => ({
    leaderboard: command.leaderboard,
    userId: command.userId,
    actionId: command.actionId,
    points: command.points,
    keyId: command.keyId,
    caller: command.caller,
    pointsAfter: total.points - points,
    actionsAfter: total.actions - actions,
  }));
  return { players, rows };
}

function addTo(totals: Map<string, Running['total']>, command: AcceptCommand, place: number): Running {
  const key = playerKeyOf(command);
  const { leaderboard, userId, username, points } = command;
  const known = totals.get(key);
  if (known === undefined) {
    const total = { leaderboard, userId, username, points, actions: 1, reachedAt: place };
    totals.set(key, total);
    return { command, total, points, actions: 1 };
  }
  known.points += points;
  known.actions += 1;
  if (points > 0n) known.reachedAt = place;
  if (username !== '') known.username = username;
  return { command, total: known, points: known.points, actions: known.actions };
}
