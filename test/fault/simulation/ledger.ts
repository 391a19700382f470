/** Totals and actions as the two accepting statements keep them: by totals of a batch, or one action after the other. */
import type { ActionRow, PlayerTotal } from '../../../services/score/submit/accept-store.ts';
import type { AcceptAnswer, AcceptCommand } from '../../../services/score/submit/action.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import type { PlayerState } from '../../../services/shared/values/board.ts';
import { MAX_SCORE } from '../../../services/shared/values/identifiers.ts';
import { actionKey, playerKey } from '../checker/evidence.ts';
import type { Mutations } from './mutations.ts';

export interface StoredRow extends Omit<ActionRow, 'pointsAfter' | 'actionsAfter'> {
  readonly position: bigint;
  readonly scoreAfter: bigint;
  readonly version: bigint;
}

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger(mutations: Mutations) {
  const scores = new Map<string, PlayerState>();
  const actions: StoredRow[] = [];
  const known = new Map<string, StoredRow>();

  const totalOf = (player: { leaderboard: string; userId: string }): bigint =>
    scores.get(playerKey(player))?.points ?? 0n;

  function stateAfter(total: PlayerTotal, position: bigint): PlayerState {
    const before = scores.get(playerKey(total));
    const raised = before === undefined || total.points > 0n;
    return {
      leaderboard: total.leaderboard,
      userId: total.userId,
      username: total.username === '' ? total.userId : total.username,
      points: totalOf(total) + total.points,
      version: (before?.version ?? 0n) + BigInt(total.actions),
      reached: raised ? position + BigInt(total.reachedAt) : (before?.reached ?? 0n),
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
  ): PlayerState[] | undefined {
    const states = players
      .filter((total) => totalOf(total) + total.points <= MAX_SCORE)
      .map((total) => stateAfter(total, position));
    const stateOf = new Map(states.map((state) => [playerKey(state), state]));
    const stored = rows.flatMap(({ pointsAfter, actionsAfter, ...contents }, place): StoredRow[] => {
      const state = stateOf.get(playerKey(contents));
      if (state === undefined) return [];
      const scoreAfter = state.points - pointsAfter;
      const version = state.version - BigInt(actionsAfter);
      return [{ ...contents, position: position + BigInt(place + 1), scoreAfter, version }];
    });
    if (!mutations.countsRepeats && stored.some((row) => known.has(actionKey(row)))) return undefined;
    for (const state of states) scores.set(playerKey(state), state);
    for (const row of stored) keep(row);
    return states;
  }

  function judge(command: AcceptCommand, place: number, position: bigint): AcceptAnswer | AppError {
    const fits = totalOf(command) + command.points <= MAX_SCORE;
    if (mutations.refusesRepeats && !fits) return new AppError('SCORE_LIMIT_REACHED');
    const first = known.get(actionKey(command));
    if (first !== undefined) {
      const isSame = first.leaderboard === command.leaderboard && first.points === command.points;
      if (!isSame) return new AppError('ACTION_CONFLICT');
      return { newScore: first.scoreAfter, version: first.version, replayed: true };
    }
    if (!fits) return new AppError('SCORE_LIMIT_REACHED');
    const state = stateAfter({ ...command, actions: 1, reachedAt: place }, position);
    const { points: newScore, version } = state;
    scores.set(playerKey(state), state);
    keep({ ...command, position: position + BigInt(place), scoreAfter: newScore, version });
    return { newScore, version, replayed: false };
  }

  /** One after the other. The states are those of the players whose totals changed. */
  function judgeAll(commands: readonly AcceptCommand[], position: bigint) {
    const answers = commands.map((command, at) => {
      const own = commands.filter((each) => playerKey(each) === playerKey(command));
      const sum = own.reduce((total, { points }) => total + points, totalOf(command));
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

  return { scores, actions, known, acceptTotals, judgeAll };
}
