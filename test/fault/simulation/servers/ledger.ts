/** Standings and actions as the two accepting statements keep them: by totals of a batch, or one action after the other. */
import type { ActionRow, PlayerTotal } from '../../../../services/score/accept/accept-store.ts';
import type { AcceptAnswer, Action } from '../../../../services/score/accept/action.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import type { PlayerState } from '../../../../services/shared/values/board.ts';
import { MAX_SCORE } from '../../../../services/shared/values/identifiers.ts';
import { actionKey, playerKey } from '../../checker/evidence/evidence.ts';
import type { Mutations } from '../environment/mutations.ts';

export interface StoredRow extends Omit<ActionRow, 'pointsAfter' | 'actionsAfter'> {
  readonly position: bigint;
  readonly scoreAfter: bigint;
  readonly changedScore: boolean;
  readonly version: bigint;
  /** An operator has taken the action back. */
  readonly isVoid?: boolean;
}

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger(mutations: Mutations) {
  const scores = new Map<string, PlayerState>();
  const actions: StoredRow[] = [];
  const known = new Map<string, StoredRow>();

  const scoreAfter = (player: { leaderboard: string; userId: string; points: bigint }): bigint =>
    (scores.get(playerKey(player))?.points ?? 0n) + player.points;
  const fits = (player: Parameters<typeof scoreAfter>[0]): boolean => scoreAfter(player) <= MAX_SCORE;

  function stateAfter(
    total: Omit<PlayerTotal, 'operator'>,
    position: bigint,
  ): PlayerState & { changed: boolean } {
    const before = scores.get(playerKey(total));
    const points = scoreAfter(total);
    const changed = points !== before?.points;
    return {
      leaderboard: total.leaderboard,
      userId: total.userId,
      username: total.username === '' ? total.userId : total.username,
      points,
      version: (before?.version ?? 0n) + BigInt(total.actions),
      reached: changed ? position + BigInt(total.reachedAt) : (before?.reached ?? 0n),
      changed,
    };
  }

  function keep(row: StoredRow): void {
    actions.push(row);
    known.set(actionKey(row), row);
  }

  /** A player whose total does not fit is left out. undefined when an action of the others was accepted before. */
  function acceptTotals(
    players: readonly PlayerTotal[],
    rows: readonly ActionRow[],
    position: bigint,
  ): (PlayerState & { changed: boolean })[] | undefined {
    const states = players.filter(fits).map((total) => stateAfter(total, position));
    const stateOf = new Map(states.map((state) => [playerKey(state), state]));
    const stored = rows.flatMap(({ pointsAfter, actionsAfter, ...contents }, place): StoredRow[] => {
      const state = stateOf.get(playerKey(contents));
      if (state === undefined) return [];
      const after = { scoreAfter: state.points - pointsAfter, changedScore: state.changed };
      const version = state.version - BigInt(actionsAfter);
      return [{ ...contents, position: position + BigInt(place + 1), ...after, version }];
    });
    if (!mutations.countsRepeats && stored.some((row) => known.has(actionKey(row)))) return undefined;
    for (const state of states) scores.set(playerKey(state), state);
    for (const row of stored) keep(row);
    return states;
  }

  function judge(command: Action, place: number, position: bigint): AcceptAnswer | AppError {
    const isWithin = fits(command);
    if (mutations.refusesRepeats && !isWithin) return new AppError('SCORE_LIMIT_REACHED');
    const first = known.get(actionKey(command));
    if (first !== undefined) {
      const isSame = first.leaderboard === command.leaderboard && first.points === command.points;
      if (!isSame) return new AppError('ACTION_CONFLICT');
      if (first.isVoid) return new AppError('ACTION_VOIDED');
      const { scoreAfter: newScore, changedScore: changed, version } = first;
      return { newScore, changed, version, replayed: true };
    }
    if (!isWithin) return new AppError('SCORE_LIMIT_REACHED');
    const state = stateAfter({ ...command, actions: 1, reachedAt: place }, position);
    const { points: newScore, version, changed } = state;
    scores.set(playerKey(state), state);
    const { operator } = command.board;
    const row = { ...command, operator, position: position + BigInt(place), scoreAfter: newScore };
    keep({ ...row, changedScore: changed, version });
    return { newScore, changed, version, replayed: false };
  }

  /** One after the other. The states are those of the players whose totals changed. */
  function judgeAll(commands: readonly Action[], position: bigint) {
    const answers = commands.map((command, at) => {
      const own = commands.filter((each) => playerKey(each) === playerKey(command));
      const sum = own.reduce((total, { points }) => total + points, scoreAfter({ ...command, points: 0n }));
      if (mutations.refusesBeside && sum > MAX_SCORE) return new AppError('SCORE_LIMIT_REACHED');
      return judge(command, at + 1, position);
    });
    const changed = commands.filter((_, at) => {
      const answer = answers[at];
      return !(answer instanceof AppError) && answer?.replayed === false;
    });
    const states = [...new Set(changed.map(playerKey))].flatMap((key) => scores.get(key) ?? []);
    return { answers, states };
  }

  return { scores, actions, known, keep, acceptTotals, judgeAll };
}
