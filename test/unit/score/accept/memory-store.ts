/** A store that keeps the promise of the real one in memory, and actions on boards of each kind. */
import type { AcceptStore, LedgerEntry } from '../../../../services/score/accept/accept-store.ts';
import type { Action } from '../../../../services/score/accept/action.ts';
import { type BoardKind, toScore, toValue } from '../../../../services/shared/values/board.ts';
import { MAX_SCORE } from '../../../../services/shared/values/identifiers.ts';
import { SUM } from '../../../support/doubles/boards-of.ts';
import { foldScore } from '../../../support/fold-score.ts';

export const KINDS: Readonly<Record<string, BoardKind>> = {
  global: SUM,
  weekly: SUM,
  fewest: { operator: 'sum', order: 'ascending' },
  longest: { operator: 'best', order: 'descending' },
  fastest: { operator: 'best', order: 'ascending' },
  latest: { operator: 'last', order: 'ascending' },
};
export const kindOf = (leaderboard: string) => KINDS[leaderboard] ?? SUM;

/** The store's promise, kept in memory: a player beyond the limit is left out, then all of a batch or nothing, an action once for ever. */
export function memoryStore() {
  const scores = new Map<string, { points: bigint; version: bigint }>();
  const valueAfter = (key: string, { leaderboard, points }: { leaderboard: string; points: bigint }) => {
    const held = scores.get(key)?.points;
    const { operator, order } = kindOf(leaderboard);
    const score = foldScore(
      { operator, order },
      held === undefined ? undefined : toScore(held),
      toScore(points),
    );
    return toValue(score, order);
  };
  const actions = new Map<string, LedgerEntry>();
  const store: AcceptStore = {
    async insert(players, rows) {
      const states = players.flatMap((player) => {
        const key = `${player.leaderboard} ${player.userId}`;
        const before = scores.get(key);
        const points = valueAfter(key, player);
        const version = (before?.version ?? 0n) + BigInt(player.actions);
        const state = { ...player, points, version, reached: BigInt(player.reachedAt) };
        return toScore(points) > MAX_SCORE ? [] : [{ ...state, changed: points !== before?.points }];
      });
      const written = rows.flatMap((row): LedgerEntry[] => {
        const state = states.find((s) => s.userId === row.userId && s.leaderboard === row.leaderboard);
        if (state === undefined) return [];
        const scoreAfter = toScore(state.points - row.pointsAfter);
        const version = state.version - BigInt(row.actionsAfter);
        const changedScore = row.operator === 'sum' ? row.points > 0n || version === 1n : state.changed;
        return [{ ...row, scoreAfter, changedScore, version }];
      });
      if (written.some((row) => actions.has(`${row.userId} ${row.actionId}`))) return undefined;
      for (const state of states) scores.set(`${state.leaderboard} ${state.userId}`, state);
      for (const row of written) actions.set(`${row.userId} ${row.actionId}`, row);
      const index = { epoch: 1n, source: 'redis' as const, building: undefined };
      return { players: states, outboxId: states.length > 0 ? 1n : undefined, index };
    },
    async find(keys) {
      return keys.flatMap(({ userId, actionId }) => actions.get(`${userId} ${actionId}`) ?? []);
    },
  };
  return { store, scores, actions };
}

export const command = (
  userId: string,
  actionId: string,
  points: bigint,
  leaderboard = 'global',
): Action => ({
  leaderboard,
  board: kindOf(leaderboard),
  userId,
  username: userId,
  actionId,
  points,
  keyId: 'k1',
  caller: 'edge',
});
