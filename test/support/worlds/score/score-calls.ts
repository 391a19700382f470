/** Calls of the score service, as tests make them: signed submissions, and outcomes as reasons. */

import type { SubmitScoresResponse_Outcome } from '../../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError } from '../../../../services/shared/errors/app-error.ts';
import { patient } from '../../clients/sent-again.ts';
import type { ScoreWorld } from './score-world.ts';

const call = { limitMs: 30_000 };

/** A submission that the auth service has signed for the game server. */
export async function signedSubmission(
  world: ScoreWorld,
  userId: string,
  actionId: string,
  points: bigint,
  leaderboard = 'global',
) {
  const { signature } = await patient(world.authAs('game')).signAction(
    { action: { userId, actionId, points, leaderboard } },
    call,
  );
  return { userId, actionId, points, leaderboard, signature, username: `Name of ${userId}` };
}

export type SignedSubmission = Awaited<ReturnType<typeof signedSubmission>>;

/** The reason of a refused call, 'accepted' for a successful one. */
export function reasonOf(calling: Promise<unknown>): Promise<unknown> {
  return calling.then(
    () => 'accepted',
    (error: unknown) => (error instanceof AppError ? error.reason : error),
  );
}

/** The reason of each refused submission, 'accepted' for the others. */
export function reasonsOf(outcomes: readonly SubmitScoresResponse_Outcome[]): Array<string | undefined> {
  return outcomes.map(({ result }) => (result.case === 'refused' ? result.value.reason : result.case));
}
