/** Parses a submission into values that the rest of the unit can trust, or refuses it. */
import type { Submission } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError, toAppError } from '../../shared/errors/app-error.ts';
import type { ServiceName } from '../../shared/identity/service-keys.ts';
import type { IsDenied } from '../../shared/values/denied-names.ts';
import {
  parseActionId,
  parseLeaderboard,
  parsePoints,
  parseUserId,
} from '../../shared/values/identifiers.ts';
import { readUsername } from '../../shared/values/username.ts';
import type { Action } from '../accept/action.ts';

/** A submission whose signature is not verified yet. The signature is empty if the caller is trusted to sign. */
export type ParsedSubmission = Omit<Action, 'keyId' | 'board'> & { readonly signature: string };

/** Services that may sign actions. They may submit without a signature, which would prove nothing more. */
const TRUSTED_TO_SIGN: ReadonlySet<ServiceName> = new Set(['game', 'cli']);

export function parseSubmission(
  submission: Submission,
  caller: ServiceName,
  isDeniedName: IsDenied,
): ParsedSubmission | AppError {
  const { signature } = submission;
  const username = readUsername(submission.username) ?? '';
  try {
    if (signature === '' && !TRUSTED_TO_SIGN.has(caller)) throw new AppError('SIGNATURE_REQUIRED');
    return {
      leaderboard: parseLeaderboard(submission.leaderboard),
      userId: parseUserId(submission.userId),
      actionId: parseActionId(submission.actionId),
      points: parsePoints(submission.points),
      // An invalid or denied name is no reason to refuse a score: the player keeps the present name.
      username: isDeniedName(username) ? '' : username,
      caller,
      signature,
    };
  } catch (thrown) {
    return toAppError(thrown);
  }
}
