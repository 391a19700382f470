/** Friends of a link: when it asks for them, and what it passes on. */
import { expect, it } from 'vitest';
import type { BoardEntry, Overtaken } from '../../../../../edge/web/client/frames.ts';
import { link, pass, serve, start, useLink, world } from './link-fixture.ts';

useLink();

const BOB = { userId: 'bob', username: 'Bob', score: 9, rank: 3 };
const SUBSCRIBE = { type: 'subscribe', leaderboard: 'global', players: ['bob'] };

it('are asked for with a token alone, on each connection, and passed on', async () => {
  const friends: (readonly BoardEntry[])[] = [];
  const overtaken: Overtaken[] = [];
  await start({
    ...{ token: 'a.b.c', friends: ['bob'] },
    onFriends: (list) => friends.push(list),
    onOvertaken: (news) => overtaken.push(news),
  });
  serve();
  expect(world.socket().sent).toEqual([SUBSCRIBE]);
  const { received } = world.socket().server;
  received(JSON.stringify({ event: 'score:players', leaderboardId: 'global', players: [BOB], stale: false }));
  received(JSON.stringify({ event: 'score:players', leaderboardId: 'weekly', players: [], stale: false }));
  received(JSON.stringify({ event: 'score:players', leaderboardId: 'global', players: 'none' }));
  expect(friends).toEqual([[BOB]]);
  const news = { userId: 'me', rank: 4, by: [BOB] };
  received(JSON.stringify({ event: 'score:overtaken', leaderboardId: 'global', ...news }));
  received(JSON.stringify({ event: 'score:overtaken', leaderboardId: 'weekly', ...news }));
  received(JSON.stringify({ event: 'score:overtaken', leaderboardId: 'global', ...news, rank: 'first' }));
  expect(overtaken).toEqual([news]);
  world.socket().server.closed(1006, '');
  await pass(500);
  world.socket().server.opened();
  expect(world.socket().sent).toEqual([{ ...SUBSCRIBE, epoch: 1, seq: 1 }]);
});

it('are asked for once the player signs in, not before', async () => {
  let token: string | undefined;
  await start({ token: () => token, friends: ['bob'] });
  serve();
  expect(world.socket().sent).toEqual([]);
  token = 'a.b.c';
  await link.renewToken();
  expect(world.socket().sent).toEqual([
    { type: 'authenticate', token },
    { ...SUBSCRIBE, epoch: 1, seq: 1 },
  ]);
});
