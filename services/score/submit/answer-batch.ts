/**
 * The answers to one batch of actions: score and version from the commit, rank and position from the projection. A repeat
 * changed nothing, so nothing of it was projected: its rank is read.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { type Player, type Projected, playerKey } from '../../shared/values/board.ts';
import type { Position } from '../../shared/values/position.ts';
import type { AcceptResult } from '../accept/accept-scores.ts';
import type { AcceptAnswer, Action } from '../accept/action.ts';
import type { RankBoards } from '../boards/rank-boards.ts';

export interface Answer extends AcceptAnswer {
  readonly leaderboard: string;
  /** From 1; undefined when it is not known in time. */
  readonly rank: number | undefined;
  /** The newest position of the board that includes this action; undefined when it is not known. */
  readonly position: Position | undefined;
}

/** Returns undefined for an action that was left out of the commit. */
export async function answerBatch(
  actions: readonly Action[],
  answers: AcceptResult['answers'],
  projected: readonly Projected[],
  boards: Pick<RankBoards, 'ranks'>,
): Promise<ReadonlyArray<Answer | AppError | undefined>> {
  const places = placesOf(projected);
  const repeats: RankedRepeat[] = [];
  const complete = actions.map((action, index) => {
    const answer = answers[index];
    if (answer === undefined || answer instanceof AppError) return answer;
    const { leaderboard, userId } = action;
    const { newScore, changed, version, replayed } = answer;
    const place = places.get(playerKey(action));
    const { rank, position } = place ?? {};
    const full = { newScore, changed, version, replayed, leaderboard, userId, rank, position };
    if (place === undefined && replayed) repeats.push(full);
    return full;
  });
  if (repeats.length > 0) await readRanks(repeats, boards);
  return complete;
}

async function readRanks(repeats: RankedRepeat[], boards: Pick<RankBoards, 'ranks'>): Promise<void> {
  const ranks = await boards.ranks(repeats);
  repeats.forEach((repeat, at) => {
    repeat.rank = ranks[at];
  });
}

/** The answer to a repeat, as far as its rank goes. */
type RankedRepeat = Player & { rank: number | undefined };

type Place = Pick<Answer, 'rank' | 'position'>;

/** By player and board. */
function placesOf(projected: readonly Projected[]): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const { players, ranks, position } of projected) {
    for (const [index, player] of players.entries()) {
      places.set(playerKey(player), { rank: ranks?.[index], position });
    }
  }
  return places;
}
