/**
 * Erases a player: first from Postgres, together with a link of the audit chain that records it, then from the rank index and
 * from the boards that viewers see. Reconciliation removes what the second step does not reach.
 */
import { type AuditLink, DIGEST_OF_NONE } from '../../shared/audit-chain/audit-chain.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import { Deadline } from '../../shared/flow/deadline.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { AuditStore } from './audit-store.ts';
import type { ErasureStore } from './erasure-store.ts';
import { nextLink } from './seal-actions.ts';

export interface ErasedPlayer {
  readonly link: AuditLink;
  readonly leaderboards: readonly string[];
}

/** Rejects with PLAYER_NOT_FOUND when Postgres has no data of the player. */
export type ErasePlayer = (userId: string) => Promise<ErasedPlayer>;

export interface ErasePlayerOptions {
  store: ErasureStore;
  audit: Pick<AuditStore, 'head'>;
  key: Buffer;
  /** Removes the player from the rank index and publishes the board. */
  forgetPlayer: (leaderboard: string, userId: string) => Promise<void>;
  log: Log;
}

/** Each failed attempt means that another link took the number meanwhile: at most one a second and process. */
const MAX_ATTEMPTS = 10;
/** For all boards of a player together. What is not reached by then is left to reconciliation. */
const FORGET_LIMIT_MS = 5_000;
const BOARDS_AT_ONCE = 8;

export function createErasePlayer(options: ErasePlayerOptions): ErasePlayer {
  const { store, audit, key, forgetPlayer, log } = options;

  async function eraseFromPostgres(userId: string): Promise<ErasedPlayer> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const erased = await store.subject(userId);
      if (erased === undefined) {
        throw new AppError('PLAYER_NOT_FOUND', { message: 'No data of this player is stored.' });
      }
      const before = await audit.head();
      const link = nextLink(key, before, { actions: 0n, digest: DIGEST_OF_NONE, erased });
      const leaderboards = await store.erase(userId, link, before);
      if (leaderboards !== undefined) return { link, leaderboards };
    }
    throw new AppError('OVERLOADED', { retryAfterMs: 1_000 });
  }

  /** The player is erased by now: the operator does not wait for a rank service that does not answer. */
  async function forgetEverywhere(userId: string, leaderboards: readonly string[]): Promise<void> {
    const deadline = Deadline.after(FORGET_LIMIT_MS);
    const waiting = leaderboards.values();
    let left = 0;
    let cause: unknown;
    const forget = async () => {
      for (const leaderboard of waiting) {
        try {
          if (deadline.hasPassed()) throw new AppError('DEADLINE_EXCEEDED');
          await deadline.race(forgetPlayer(leaderboard, userId));
        } catch (error) {
          left += 1;
          cause ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: BOARDS_AT_ONCE }, forget));
    if (left === 0) return;
    log.warn(
      { err: cause, boards: left },
      'an erased player is still in the rank index; reconciliation will remove it',
    );
  }

  return async (userId) => {
    const player = await eraseFromPostgres(userId);
    await forgetEverywhere(userId, player.leaderboards);
    return player;
  };
}
