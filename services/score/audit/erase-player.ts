/**
 * Erases a player: from the truth, with a link of the audit chain that records it, then from the rank index and from the
 * boards that viewers hold. The truth comes first; whatever is left elsewhere the reconciler finds and takes away.
 */

import { type AuditLink, DIGEST_OF_NONE } from '../../shared/audit-chain/audit-chain.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { AuditStore } from './audit-store.ts';
import type { ErasureStore } from './erasure-store.ts';
import { nextLink } from './seal-actions.ts';

export interface ErasedPlayer {
  readonly link: AuditLink;
  readonly leaderboards: readonly string[];
}

/** Refuses with PLAYER_NOT_FOUND when nothing is known of the player. */
export type ErasePlayer = (userId: string) => Promise<ErasedPlayer>;

export interface ErasePlayerOptions {
  store: ErasureStore;
  audit: Pick<AuditStore, 'head'>;
  key: Buffer;
  /** Takes players whom the truth no longer knows from the index, and shows the boards anew. */
  removeFromIndex: (leaderboard: string, userId: string) => Promise<void>;
  log: Log;
}

/** Each failed attempt means that another link was made meanwhile: one a second and process at most. */
const MAX_ATTEMPTS = 10;

export function createErasePlayer(options: ErasePlayerOptions): ErasePlayer {
  const { store, audit, key, removeFromIndex, log } = options;

  async function eraseFromTruth(userId: string): Promise<ErasedPlayer> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const erased = await store.subject(userId);
      if (erased === undefined) {
        throw new AppError('PLAYER_NOT_FOUND', { message: 'Nothing is known of this player.' });
      }
      const link = nextLink(key, await audit.head(), { actions: 0n, digest: DIGEST_OF_NONE, erased });
      const leaderboards = await store.erase(userId, link);
      if (leaderboards !== undefined) return { link, leaderboards };
    }
    throw new AppError('OVERLOADED', { retryAfterMs: 1_000 });
  }

  return async (userId) => {
    const player = await eraseFromTruth(userId);
    for (const leaderboard of player.leaderboards) {
      await removeFromIndex(leaderboard, userId).catch((error: unknown) => {
        log.warn({ err: error, leaderboard }, 'an erased player is left to the reconciler');
      });
    }
    log.info({ seq: String(player.link.seq), leaderboards: player.leaderboards }, 'a player was erased');
    return player;
  };
}
