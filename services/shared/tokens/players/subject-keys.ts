/**
 * The keys that derive the user ids of outside players, as a verifier holds them. Auth gives them once; they never change, so a
 * process that has them needs auth no more. Until then outside tokens are refused with AUTH_UNAVAILABLE.
 */
import type { AuthService } from '../../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { AppError } from '../../errors/app-error.ts';
import { createSingleFlight } from '../../flow/single-flight.ts';
import type { GrpcClient } from '../../grpc/grpc.ts';
import type { Log } from '../../telemetry/log.ts';
import { createRepeatedWarning } from '../../telemetry/repeated-log.ts';
import { createUserIdOf, SUBJECT_KEY_BYTES, type UserIdOf } from './player-id.ts';

/** Limit of one call. */
const DEADLINE_MS = 2_000;
/** First wait after a failure; it doubles up to the longest. */
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 2_000;

export interface SubjectKeysOptions {
  /** Those whose players have derived ids. */
  issuers: readonly string[];
  auth: Pick<GrpcClient<typeof AuthService>, 'getSubjectKeys'>;
  log: Log;
}

export type SubjectKeys = ReturnType<typeof createSubjectKeys>;

/** Fetches at once if there are such issuers, and again until all keys are there or `close` is called. */
export function createSubjectKeys({ issuers, auth, log }: SubjectKeysOptions) {
  const warn = createRepeatedWarning(
    log,
    'outside players are refused: auth gives no key for their user ids',
  );
  const derivers = new Map<string, UserIdOf>();
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function load(): Promise<void> {
    const { keys } = await auth.getSubjectKeys({ issuers: [...issuers] }, { limitMs: DEADLINE_MS });
    for (const [index, issuer] of issuers.entries()) {
      const key = keys[index];
      if (key?.length === SUBJECT_KEY_BYTES) derivers.set(issuer, createUserIdOf(key));
    }
    const unknown = issuers.filter((issuer) => !derivers.has(issuer));
    if (unknown.length > 0) throw new Error(`auth is not configured for ${unknown.join(', ')}`);
  }

  const { join } = createSingleFlight(async () => {
    try {
      await load();
    } catch (error) {
      failures += 1;
      warn({ err: error });
      schedule(Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS));
    }
  });

  function schedule(waitMs: number): void {
    if (closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      void join();
    }, waitMs);
    timer.unref();
  }

  if (issuers.length > 0) void join();
  return {
    /** The user id of an issuer's player. Refuses with AUTH_UNAVAILABLE without its key. */
    async userIdOf(issuer: string, subject: string): Promise<string> {
      // The first call may be under way. After a failure the timer decides when to try again.
      if (!derivers.has(issuer) && timer === undefined && !closed) await join();
      const derive = derivers.get(issuer);
      if (derive === undefined) throw new AppError('AUTH_UNAVAILABLE', { retryAfterMs: LONGEST_RETRY_MS });
      return derive(subject);
    },
    has: (issuer: string): boolean => derivers.has(issuer),
    close(): void {
      closed = true;
      clearTimeout(timer);
    },
  };
}
