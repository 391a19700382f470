/**
 * Keeps a session that holds a player's row in Postgres, an operator's open transaction for example, from failing the scores of
 * others. A batch waits for a lock only as long as the lock limit of its statement. Then the actions of the players whose rows are
 * held are refused, with a retry time, and the rest is accepted. Players once found held are looked up, without waiting, before
 * their next batch.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import type { Deadline } from '../../shared/flow/deadline.ts';
import { isLockTimeout } from '../../shared/stores/postgres/postgres-errors.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import { playerKey } from '../../shared/values/board.ts';
import type { Accept, AcceptResult } from './accept-scores.ts';
import type { Action } from './action.ts';
import type { FindLocked } from './locked-players-store.ts';

/** Adds this to the accept step of a lane. */
export type SkipLocked = (accept: Accept) => Accept;

export interface SkipLockedOptions {
  findLocked: FindLocked;
  log: Log;
  metrics: Metrics;
}

const RETRY_AFTER_MS = 1_000;
/** Two full batches. Beyond it all are forgotten, and found again. */
const MAX_HELD = 1_000;

export function createSkipLocked({ findLocked, log, metrics }: SkipLockedOptions): SkipLocked {
  const held = new Set<string>();
  const isHeld = (action: Action) => held.has(playerKey(action));
  const warn = createRepeatedWarning(
    log,
    'another session of Postgres holds rows of players: their scores are refused (see pg_locks)',
  );
  const refused = metrics.counter(
    'score_player_locked_total',
    'Actions refused because another session of Postgres holds the row of their player.',
  );

  async function look(actions: readonly Action[], deadline: Deadline): Promise<void> {
    const locked = await findLocked(actions, deadline.remainingMs());
    for (const action of actions) held.delete(playerKey(action));
    if (held.size + locked.length > MAX_HELD) held.clear();
    for (const player of locked) held.add(playerKey(player));
  }

  async function acceptFree(
    accept: Accept,
    actions: readonly Action[],
    deadline: Deadline,
  ): Promise<AcceptResult> {
    const free = held.size === 0 ? actions : actions.filter((action) => !isHeld(action));
    if (free.length === actions.length) return accept(actions, deadline);
    const passed = new Set(free);
    warn({ actions: actions.length - free.length });
    refused.inc(actions.length - free.length);
    const result = free.length === 0 ? { answers: [], batch: undefined } : await accept(free, deadline);
    const answers = result.answers.values();
    return {
      batch: result.batch,
      answers: actions.map((action) =>
        passed.has(action)
          ? answers.next().value
          : new AppError('PLAYER_LOCKED', { retryAfterMs: RETRY_AFTER_MS }),
      ),
    };
  }

  return (accept) => async (actions, deadline) => {
    const suspects = held.size === 0 ? [] : actions.filter(isHeld);
    if (suspects.length > 0) await look(suspects, deadline);
    try {
      return await acceptFree(accept, actions, deadline);
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
    }
    await look(actions, deadline);
    return acceptFree(accept, actions, deadline);
  };
}
