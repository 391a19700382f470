/** Sockets with a token: the player's own updates, and the end of a token. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SOCKETS_PER_PLAYER } from '../../../../edge/fanout/hub/limits.ts';
import { MESSAGES_PER_SOCKET } from '../../../../edge/fanout/sockets/limits.ts';
import { MAX_TOKEN_LENGTH } from '../../../../services/shared/tokens/rules/token-check.ts';
import { type LiveClient, openLive } from '../../../support/clients/live-client.ts';
import { BUSY_MS, waitFor } from '../../../support/wait-for.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/worlds/edge/fanout-world.ts';

/** Enough for a busy machine to bring the next token in time. */
const LIFETIME_S = 4;

let world: FanoutWorld;
beforeAll(async () => {
  world = await startFanoutWorld();
  world.rank.set({ seq: 1, entries: [{ userId: 'top', score: 1000 }] });
  await world.feedHealthy();
});
afterAll(() => world.stop());

const withToken = (token: string) => openLive(world.url, { protocols: ['scoreboard.v1', `bearer.${token}`] });

/** Resolves once the token of the socket is verified: a pong names the player. Pings as often as a socket may. */
const known = (client: LiveClient, userId: string) =>
  waitFor(
    () => {
      if (client.frames.some((frame) => frame.event === 'pong' && frame.userId === userId)) return true;
      client.send({ type: 'ping' });
      return undefined;
    },
    { everyMs: 1_000 / MESSAGES_PER_SOCKET.perSecond, describe: `a pong that names ${userId}` },
  );

const personal = (client: LiveClient) => client.frames.filter(({ version }) => version !== undefined);

test('a player far below the top ten gets each new own state with its rank, on every socket', async () => {
  const token = await world.auth.token('zoe');
  const clients = await Promise.all([withToken(token), withToken(token)]);
  expect(clients[0]?.protocol).toBe('scoreboard.v1');
  await Promise.all(clients.map((client) => known(client, 'zoe')));
  const bystander = await withToken(await world.auth.token('yan'));
  await known(bystander, 'yan');

  await world.publish(undefined, [{ userId: 'zoe', score: 12, rank: 4711, version: 3 }]);
  for (const client of clients) {
    const frame = await client.frame(({ version }) => version === 3);
    const [snapshot] = client.frames;
    expect(frame).toEqual({
      event: 'score:update',
      userId: 'zoe',
      newScore: 12,
      rank: 4711,
      version: 3,
      leaderboard: snapshot?.leaderboard,
      epoch: snapshot?.epoch,
      seq: snapshot?.seq,
      leaderboardId: 'global',
      stale: false,
    });
  }
  await world.publish(undefined, [{ userId: 'yan', score: 1, rank: 1, version: 1 }]);
  await bystander.frame(({ version }) => version === 1);
  expect(personal(bystander)).toHaveLength(1);
  for (const client of [...clients, bystander]) client.close();
});

test('a player gets the own standing right after sign-in, on each board that the socket watches', async () => {
  world.rank.setPlace({ userId: 'pia', score: 30, rank: 41, version: 9 });
  world.rank.setPlace({ leaderboard: 'weekly', userId: 'pia', score: 5, rank: 2, version: 1 });
  world.rank.set({ leaderboard: 'weekly', seq: 1, entries: [{ userId: 'top', score: 8 }] });
  const token = await world.auth.token('pia');
  const own = { event: 'score:update', userId: 'pia' };

  const shown = await withToken(token);
  expect(await shown.frame(({ version }) => version === 9)).toMatchObject({
    ...{ ...own, newScore: 30, rank: 41, leaderboardId: 'global' },
    leaderboard: [{ userId: 'top' }],
  });
  shown.send({ type: 'subscribe', leaderboard: 'weekly' });
  expect(await shown.frame(({ version }) => version === 1)).toMatchObject({
    ...{ ...own, newScore: 5, rank: 2, leaderboardId: 'weekly' },
  });

  const later = await openLive(world.url);
  later.send({ type: 'authenticate', token });
  expect(await later.frame(({ version }) => version === 9)).toMatchObject({ ...own, rank: 41 });
  for (const client of [shown, later]) client.close();
});

test('a standing that cannot be read at sign-in follows when the rank service is back', async () => {
  world.rank.setPlace({ userId: 'rex', score: 7, rank: 99, version: 2 });
  world.rank.setDown(true);
  const client = await withToken(await world.auth.token('rex'));
  await known(client, 'rex');
  expect(personal(client)).toEqual([]);
  world.rank.setDown(false);
  expect(await client.frame(({ version }) => version === 2)).toMatchObject({ newScore: 7, rank: 99 });
  client.close();
});

test('older and repeated personal states are dropped, and a board of the same event comes first', async () => {
  const client = await withToken(await world.auth.token('xia'));
  await known(client, 'xia');
  await world.publish(undefined, [{ userId: 'xia', score: 5, rank: 9, version: 5 }]);
  await client.frame(({ version }) => version === 5);
  await world.publish(undefined, [{ userId: 'xia', score: 4, rank: 9, version: 4 }]);
  await world.publish(undefined, [{ userId: 'xia', score: 5, rank: 9, version: 5 }]);
  await world.publish({ seq: 50, entries: [{ userId: 'xia', score: 2000 }] }, [
    { userId: 'xia', score: 2000, rank: 1, version: 6 },
  ]);
  await client.frame(({ version }) => version === 6);
  expect(personal(client).map(({ version }) => version)).toEqual([5, 6]);
  const [board, own] = client.frames.filter(({ seq }) => seq === 50);
  expect(board?.version).toBeUndefined();
  expect(own?.version).toBe(6);
  client.close();
});

test('a token that is not valid closes the socket with 4401, after its snapshot', async () => {
  const token = await world.auth.token('mallory');
  const client = await withToken(`${token.slice(0, -4)}AAAA`);
  expect(await client.closed).toEqual({ code: 4401, reason: 'token invalid' });
  expect(client.frames[0]?.event).toBe('score:snapshot');
});

test('a socket with a token that is too large is told so, in the handshake and by message', async () => {
  const long = 'x'.repeat(MAX_TOKEN_LENGTH + 1);
  const tooLarge = { code: 4413, reason: 'token too large' };
  expect(await (await withToken(long)).closed).toEqual(tooLarge);
  const client = await openLive(world.url);
  client.send({ type: 'authenticate', token: long });
  expect(await client.closed).toEqual(tooLarge);
  const longest = await openLive(world.url);
  longest.send({ type: 'authenticate', token: 'x'.repeat(MAX_TOKEN_LENGTH) });
  expect(await longest.closed).toEqual({ code: 4401, reason: 'token invalid' });
  expect(await world.metric('tokens_refused_total', 'rule="size"')).toBe(2);
});

test('a message as long as a token may be is refused if it brings none', async () => {
  const client = await openLive(world.url);
  client.send({ type: 'subscribe', leaderboard: 'x'.repeat(5_000) });
  const frame = await client.frame(({ event }) => event === 'error');
  expect(frame).toMatchObject({ reason: 'MESSAGE_INVALID', message: 'The message is longer than 4 KiB.' });
  expect(JSON.stringify(frame).length).toBeLessThan(500);
  client.close();
});

test('a socket is closed within a second of the expiry of its token, unless a new token arrived in time', async () => {
  const kept = await withToken(await world.auth.token('vera', { expiresInS: LIFETIME_S }));
  kept.send({ type: 'authenticate', token: await world.auth.token('vera') });
  await kept.frame(({ event }) => event === 'authenticated');
  const short = await withToken(await world.auth.token('will', { expiresInS: LIFETIME_S }));
  const startedAt = performance.now();
  expect(await short.closed).toEqual({ code: 4401, reason: 'token expired' });
  expect(performance.now() - startedAt).toBeLessThan((LIFETIME_S + 1) * 1_000 + BUSY_MS);
  await world.publish(undefined, [{ userId: 'vera', score: 1, rank: 1, version: 1 }]);
  await kept.frame(({ version }) => version === 1);
  kept.close();
});

test('an anonymous socket becomes a player by message, and never another player', async () => {
  const client = await openLive(world.url);
  client.send({ type: 'authenticate', token: await world.auth.token('uma') });
  expect(await client.frame(({ event }) => event === 'authenticated')).toMatchObject({ userId: 'uma' });
  await world.publish(undefined, [{ userId: 'uma', score: 1, rank: 2, version: 1 }]);
  await client.frame(({ version }) => version === 1);
  client.send({ type: 'authenticate', token: await world.auth.token('tom') });
  expect((await client.closed).code).toBe(4401);
});

test('one player has a limited number of sockets', async () => {
  const token = await world.auth.token('sam');
  const clients = await Promise.all(Array.from({ length: SOCKETS_PER_PLAYER }, () => withToken(token)));
  await Promise.all(clients.map((client) => known(client, 'sam')));
  const extra = await withToken(token);
  expect((await extra.closed).code).toBe(4009);
  for (const client of clients) client.close();
});
