/** "Top 3 %": the part of a board's players that is at a rank or above it, in whole percent, rounded up; 1 to 100. */
export function percentileOf(rank: bigint, players: bigint): number {
  return Number((100n * rank + players - 1n) / players);
}
