/**
 * What the operator changes in the files of the auth service is true only once the running service has taken it. Asks the
 * service for what it hands to all verifiers until it shows the change.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { GetKeySetResponse } from '../../gen/scoreboard/auth/v1/auth_pb.ts';
import { optionalText } from '../shared/settings/env.ts';
import { findStack, NoStackError } from './find-stack.ts';
import type { AuthClient, Session } from './session.ts';

/** The service looks at its files four times a second. */
const LIMIT_MS = 5_000;
const ASK_EVERY_MS = 100;
const ANSWER_LIMIT_MS = 1_000;

/** The auth service to ask; undefined when none runs, so that a change is in force from the next start. */
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

/** Rejects when the service has not taken the change in time, with why. */
export async function untilObeyed(
  auth: AuthClient,
  isTaken: (keySet: GetKeySetResponse) => boolean,
): Promise<void> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  let knownVersion = '';
  let why = 'it does not show it';
  while (!limit.aborted) {
    try {
      const keySet = await auth.getKeySet({ knownVersion }, { deadlineMs: ANSWER_LIMIT_MS });
      if (!keySet.unchanged && isTaken(keySet)) return;
      knownVersion = keySet.version;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    await delay(ASK_EVERY_MS);
  }
  throw new Error(
    `recorded, but the auth service has not taken it in ${LIMIT_MS / 1_000} s (${why}): see its log`,
  );
}
