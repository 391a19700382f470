/** A snapshot frame as a fan-out node sends it, with the fields that a test is about. */
export function boardFrame(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    event: 'score:snapshot',
    leaderboard: [{ userId: 'ada', username: 'Ada', score: 10, rank: 1 }],
    epoch: 1,
    seq: 1,
    leaderboardId: 'global',
    stale: false,
    ...fields,
  });
}
