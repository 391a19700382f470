/**
 * Fills an epoch of the rank index that is under construction with all boards, a few at once: the time of a small board is that of
 * its two round trips, to Postgres and to Redis.
 */

/** Fewer than the connections of the upkeep, so that the lease of the build is renewed meanwhile. */
export const BOARDS_AT_ONCE = 3;

export type LoadBoard = (leaderboard: string, signal: AbortSignal) => Promise<number>;

/** Resolves with the number of players. Rejects with the first failure, when no board is being loaded any more. */
export async function loadBoards(
  leaderboards: readonly string[],
  load: LoadBoard,
  signal: AbortSignal,
): Promise<number> {
  const failed = new AbortController();
  const stops = AbortSignal.any([signal, failed.signal]);
  const waiting = leaderboards.values();
  let players = 0;
  const loader = async () => {
    for (const leaderboard of waiting) {
      const loaded = await load(leaderboard, stops);
      players += loaded;
      stops.throwIfAborted();
    }
  };
  const guarded = async () =>
    loader().catch((error: unknown) => {
      failed.abort(error);
    });
  await Promise.all(Array.from({ length: BOARDS_AT_ONCE }, guarded));
  if (failed.signal.aborted) throw failed.signal.reason;
  return players;
}
