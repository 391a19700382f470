/** Friends: their number under way at an edge, the share of one player, and percentiles. */
import { describe, expect, it } from 'vitest';
import { percentileOf } from '../../../../../edge/http/read/percentile.ts';
import { createReadFriends, type ReadFriendsOptions } from '../../../../../edge/http/read/read-friends.ts';

it('are read for 16 callers at once, and one player has as many reads as are free', async () => {
  const gate = Promise.withResolvers<void>();
  const rank = { listPlayers: () => gate.promise.then(() => ({ entries: [], players: 0n, stale: false })) };
  const read = createReadFriends({ rank } as unknown as ReadFriendsOptions);
  const by = (caller: string) => read({ leaderboard: 'global', caller, userIds: ['ada'] }, 'id');
  const greedy = Array.from({ length: 8 }, () => by('greedy'));
  await expect(by('greedy')).rejects.toMatchObject({ reason: 'OVERLOADED' });
  const others = Array.from({ length: 8 }, (_, at) => by(`other${at}`));
  await expect(by('one more')).rejects.toMatchObject({ reason: 'OVERLOADED' });
  gate.resolve();
  await Promise.all([...greedy, ...others]);
  expect(await by('greedy')).toMatchObject({ friends: [] });
});

describe('the percentile', () => {
  it.each([
    [1n, 1n, 100],
    [1n, 100n, 1],
    [1n, 101n, 1],
    [2n, 101n, 2],
    [3n, 100n, 3],
    [138n, 230n, 60],
    [139n, 230n, 61],
    [230n, 230n, 100],
    [1n, 2n ** 53n - 1n, 1],
    [2n ** 53n - 2n, 2n ** 53n - 1n, 100],
  ])('of rank %s of %s is %s', (rank, players, percentile) => {
    expect(percentileOf(rank, players)).toBe(percentile);
  });
});
