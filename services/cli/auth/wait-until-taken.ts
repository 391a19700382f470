/**
 * A change of the auth service's files takes effect when the running service has read them. These functions poll the key set
 * that the service hands to verifiers until it contains the change.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { GetKeySetResponse } from '../../../gen/scoreboard/auth/v1/auth_pb.ts';
import { Deadline } from '../../shared/flow/deadline.ts';
import { optionalText } from '../../shared/settings/env.ts';
import type { AuthClient } from '../connect/connect-auth.ts';
import { findStack, NoStackError } from '../connect/find-stack.ts';
import type { Session } from '../connect/session.ts';
import { describeFailure } from '../terminal/operator-words.ts';

/** The service reads its files four times a second. */
const TAKEN_LIMIT_MS = 5_000;
const ASK_EVERY_MS = 100;
const ANSWER_LIMIT_MS = 1_000;

/** Connects to the auth service. Returns undefined if none runs: then a change takes effect at the next start. */
export async function findAuth(session: Session): Promise<AuthClient | undefined> {
  if (optionalText(session.env, 'AUTH_ADDRESS') !== undefined) return session.auth();
  try {
    findStack(session.env);
  } catch (error) {
    if (error instanceof NoStackError) return undefined;
    throw error;
  }
  return session.auth();
}

/** Rejects with the reason if the service has not taken the change in time. */
export async function waitUntilTaken(
  auth: AuthClient,
  isTaken: (keySet: GetKeySetResponse) => boolean,
): Promise<void> {
  const deadline = Deadline.after(TAKEN_LIMIT_MS);
  let knownVersion = '';
  let why = 'its key set does not contain it';
  while (!deadline.hasPassed()) {
    try {
      const keySet = await auth.getKeySet({ knownVersion }, { limitMs: ANSWER_LIMIT_MS });
      if (!keySet.unchanged && isTaken(keySet)) return;
      knownVersion = keySet.version;
    } catch (error) {
      why = describeFailure(error);
    }
    await delay(ASK_EVERY_MS);
  }
  throw new Error(
    `recorded, but the auth service has not taken the change within ${TAKEN_LIMIT_MS / 1_000} s (${why}): see its log`,
  );
}
