/** Sockets with a token: the player's own updates, and how long they last. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SOCKETS_PER_PLAYER } from '../../../../edge/fanout/limits.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/fanout-world.ts';
import { type LiveClient, openLive } from '../../../support/live-client.ts';
import { waitFor } from '../../../support/wait-for.ts';

let world: FanoutWorld;
beforeAll(async () => {
  world = await startFanoutWorld();
  world.rank.set({ seq: 1, entries: [{ userId: 'top', score: 1000 }] });
  await world.feedHealthy();
});
afterAll(() => world.stop());

const withToken = (token: string) => openLive(world.url, { protocols: ['scoreboard.v1', `bearer.${token}`] });

/** Resolves once the node knows whose socket it is. */
async function known(client: LiveClient, userId: string): Promise<void> {
  await waitFor(async () => {
    client.send({ type: 'ping' });
    const seen = client.frames.length;
    await waitFor(() => client.frames.slice(seen - 1).some(({ event }) => event === 'pong') || undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    return client.frames.some((frame) => frame.event === 'pong' && frame.userId === userId) || undefined;
  });
}

const personal = (client: LiveClient) => client.frames.filter(({ version }) => version !== undefined);

test('a player far below the top ten gets each newest own state with rank, on every socket', async () => {
  const token = await world.auth.token('zoe');
  const clients = await Promise.all([withToken(token), withToken(token)]);
  expect(clients[0]?.protocol).toBe('scoreboard.v1');
  for (const client of clients) await known(client, 'zoe');
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

test('older and repeated personal states are dropped, and a board that came along comes first', async () => {
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

test('a socket ends within a second of its token, unless a new one came in time', async () => {
  const short = await withToken(await world.auth.token('will', 2));
  const kept = await withToken(await world.auth.token('vera', 2));
  kept.send({ type: 'authenticate', token: await world.auth.token('vera', 600) });
  await kept.frame(({ event }) => event === 'authenticated');
  const startedAt = performance.now();
  expect(await short.closed).toEqual({ code: 4401, reason: 'token expired' });
  expect(performance.now() - startedAt).toBeLessThan(3_000);
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
  for (const client of clients) await known(client, 'sam');
  const extra = await withToken(token);
  expect((await extra.closed).code).toBe(4009);
  for (const client of clients) client.close();
});
