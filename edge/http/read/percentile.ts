/**
 * "Top 3 %": the part of a board's players that is at a rank or above it, in whole percent, rounded up; 1 to 100, and 0 for a player
 * without a rank.
 */
export function percentileOf(rank: bigint, players: bigint): number {
  if (rank === 0n || players === 0n) return 0;
  return Number((100n * rank + players - 1n) / players);
}
