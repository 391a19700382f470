/** One submission as it came in, as words that the rest of this unit can rely on. */
import type { Submission } from '../../../gen/scoreboard/score/v1/score_pb.ts';
import { AppError, toAppError } from '../../shared/errors/app-error.ts';
import type { ServiceName } from '../../shared/identity/service-keys.ts';
import {
  isUsername,
  parseActionId,
  parseLeaderboard,
  parsePoints,
  parseUserId,
} from '../../shared/values/identifiers.ts';
import type { AcceptCommand } from './action.ts';

/** Everything but who vouches for it: the signature, empty from a service that is trusted to sign, is still to be verified. */
export type ParsedSubmission = Omit<AcceptCommand, 'keyId'> & { readonly signature: string };

/** Services that may sign may also vouch directly: a signature of theirs would prove nothing more. */
const TRUSTED_TO_SIGN: ReadonlySet<ServiceName> = new Set(['game', 'cli']);

export function parseSubmission(submission: Submission, caller: ServiceName): ParsedSubmission | AppError {
  const { signature, username } = submission;
  try {
    if (signature === '' && !TRUSTED_TO_SIGN.has(caller)) throw new AppError('SIGNATURE_REQUIRED');
    return {
      leaderboard: parseLeaderboard(submission.leaderboard),
      userId: parseUserId(submission.userId),
      actionId: parseActionId(submission.actionId),
      points: parsePoints(submission.points),
      // A name that does not fit is no reason to lose a score; the known one stays.
      username: isUsername(username) ? username : '',
      caller,
      signature,
    };
  } catch (thrown) {
    return toAppError(thrown);
  }
}
