/** The retry rule of clients: a call that a busy machine refused or left without an answer is sent again, unchanged. */
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { waitFor } from '../wait-for.ts';

const RETRIED = new Set([
  ...['STORE_UNAVAILABLE', 'PLAYER_LOCKED', 'AUTH_UNAVAILABLE', 'DEADLINE_EXCEEDED'],
  ...['OVERLOADED', 'OUTCOME_UNKNOWN', 'SCORE_UNAVAILABLE', 'RANK_UNAVAILABLE'],
]);

/** Hundreds of clients that try again at once would be the load that refuses them. The limit only bounds a hang. */
const TRIES = { everyMs: 250, limitMs: 120_000 };

/** Whether a refusal with this reason is sent again. */
export const isSentAgain = (reason: unknown): boolean => RETRIED.has(String(reason));

/** For calls that may be repeated. Rejects with any other refusal at once. */
export function sentAgain<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  return waitFor(
    () =>
      call().catch((error: unknown) => {
        if (error instanceof AppError && isSentAgain(error.reason)) return undefined;
        throw error;
      }),
    { ...TRIES, describe: 'an answer' },
  );
}

/** The client, with the retry rule in every call. */
export function patient<Client extends object>(client: Client): Client {
  return new Proxy(client, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function' || name === 'close') return method;
      return (...request: unknown[]) => sentAgain(() => method.apply(target, request));
    },
  });
}

/** An accepted score with its rank. On a busy machine the first answer may come without it, and a repeat brings it. */
export function ranked<Accepted extends { rank: bigint }>(
  submit: () => Promise<{ accepted?: Accepted | undefined }>,
): Promise<Accepted> {
  return waitFor(
    async () => {
      const { accepted } = await sentAgain(submit);
      return accepted === undefined || accepted.rank === 0n ? undefined : accepted;
    },
    { ...TRIES, describe: 'a score with its rank' },
  );
}

/** The answer of an edge to a submission: a score with its rank, or a refusal for good. */
export function rankedAnswer<
  Body extends { reason?: unknown; rank?: unknown },
  Answer extends { body: Body },
>(submit: () => Promise<Answer>): Promise<Answer> {
  return waitFor(
    async () => {
      const answer = await submit();
      return isSentAgain(answer.body.reason) || answer.body.rank === 0 ? undefined : answer;
    },
    { ...TRIES, describe: 'a score with its rank' },
  );
}
