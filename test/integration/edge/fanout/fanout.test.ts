/** Boards on sockets: the first frame, updates, several boards, and resuming. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOARDS_PER_SOCKET } from '../../../../edge/fanout/hub/limits.ts';
import { growsStrictly, openLive, positions } from '../../../support/clients/live-client.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/worlds/edge/fanout-world.ts';

let world: FanoutWorld;
beforeAll(async () => {
  world = await startFanoutWorld();
  world.rank.set({ seq: 1, entries: [{ userId: 'ann', score: 10 }] });
  await world.feedHealthy();
});
afterAll(() => world.stop());

/** Each test uses positions of its own. */
let seq = 100;

describe('a socket', () => {
  test('gets the default board at once, fresh, with ranks', async () => {
    const board = {
      seq: ++seq,
      entries: [
        { userId: 'ann', score: 30 },
        { userId: 'bob', score: 20 },
      ],
    };
    await world.publish(board);
    const watcher = await openLive(world.url);
    await watcher.frame((frame) => frame.seq === seq && frame.stale === false);

    const client = await openLive(world.url);
    const first = await client.frame(() => true);
    expect(first).toEqual({
      event: 'score:snapshot',
      leaderboard: [
        { userId: 'ann', username: 'ann', score: 30, rank: 1 },
        { userId: 'bob', username: 'bob', score: 20, rank: 2 },
      ],
      epoch: 1,
      seq,
      leaderboardId: 'global',
      stale: false,
    });
    watcher.close();
    client.close();
  });

  test('gets each change as an update that names the player whose score it was', async () => {
    const client = await openLive(world.url);
    await client.frame(({ event }) => event === 'score:snapshot');
    await world.publish({ seq: ++seq, entries: [{ userId: 'cid', score: 50 }] });
    const update = await client.frame((frame) => frame.seq === seq);
    expect(update).toMatchObject({
      event: 'score:update',
      userId: 'cid',
      newScore: 50,
      leaderboardId: 'global',
      stale: false,
    });
    expect(update.leaderboard).toEqual([{ userId: 'cid', username: 'cid', score: 50, rank: 1 }]);
    client.close();
  });

  test('never gets a board twice or an older one, however events are ordered and repeated', async () => {
    const client = await openLive(world.url);
    await client.frame(() => true);
    const base = seq;
    for (const step of [1, 3, 2, 3, 1, 6, 5, 6, 8, 7]) {
      await world.publish({ seq: base + step, entries: [{ userId: 'ann', score: base + step }] });
    }
    seq = base + 8;
    await client.frame((frame) => frame.seq === seq);
    const late = await openLive(world.url);
    expect((await late.frame(() => true)).seq).toBe(seq);
    expect(growsStrictly(positions(client.frames))).toBe(true);
    client.close();
    late.close();
  });

  test('gets fewer frames than changes if those are faster than ticks, and always the last one', async () => {
    const client = await openLive(world.url);
    await client.frame(() => true);
    const changes = 200;
    const base = seq;
    await Promise.all(
      Array.from({ length: changes }, (_, index) =>
        world.publish({ seq: base + index + 1, entries: [{ userId: 'ann', score: base + index + 1 }] }),
      ),
    );
    seq = base + changes;
    await client.frame((frame) => frame.seq === seq);
    expect(client.frames.length).toBeLessThan(changes / 2);
    expect(growsStrictly(positions(client.frames))).toBe(true);
    client.close();
  });

  test('gets a snapshot of a new epoch', async () => {
    const client = await openLive(`${world.url}`);
    await client.send({ type: 'subscribe', leaderboard: 'epochs' });
    await client.frame(({ leaderboardId }) => leaderboardId === 'epochs');
    await world.publish({ leaderboard: 'epochs', epoch: 2, seq: 1, entries: [{ userId: 'ann', score: 1 }] });
    const frame = await client.frame(({ leaderboardId, epoch }) => leaderboardId === 'epochs' && epoch === 2);
    expect(frame.event).toBe('score:snapshot');
    client.close();
  });

  test('gets a board from a poll if its event never arrived', async () => {
    const client = await openLive(world.url);
    await client.frame(() => true);
    world.rank.set({
      seq: ++seq,
      entries: [
        { userId: 'dora', score: 99 },
        { userId: 'ann', score: 1 },
      ],
    });
    const update = await client.frame((frame) => frame.seq === seq);
    expect(update).toMatchObject({ event: 'score:update', userId: 'dora', newScore: 99 });
    client.close();
  });
});

describe('a socket that sends messages', () => {
  test('may watch another board, from its newest state on', async () => {
    world.rank.set({ leaderboard: 'weekly', seq: 4, entries: [{ userId: 'eve', score: 7 }] });
    const client = await openLive(world.url);
    client.send({ type: 'subscribe', leaderboard: 'weekly' });
    const first = await client.frame(({ leaderboardId }) => leaderboardId === 'weekly');
    expect(first).toMatchObject({ event: 'score:snapshot', seq: 4 });
    await world.publish({ leaderboard: 'weekly', seq: 5, entries: [{ userId: 'eve', score: 8 }] });
    const next = await client.frame((frame) => frame.leaderboardId === 'weekly' && frame.seq === 5);
    expect(next).toMatchObject({ event: 'score:update', userId: 'eve', newScore: 8 });
    client.close();
  });

  test('no longer gets a board that it left', async () => {
    world.rank.set({ leaderboard: 'left', seq: 1 });
    const client = await openLive(world.url);
    client.send({ type: 'subscribe', leaderboard: 'left' });
    await client.frame(({ leaderboardId }) => leaderboardId === 'left');
    client.send({ type: 'unsubscribe', leaderboard: 'left' });
    client.send({ type: 'ping' });
    await client.frame(({ event }) => event === 'pong');
    await world.publish({ leaderboard: 'left', seq: 2 });
    await world.publish({ seq: ++seq });
    await client.frame((frame) => frame.seq === seq);
    expect(client.frames.filter(({ leaderboardId }) => leaderboardId === 'left')).toHaveLength(1);
    client.close();
  });

  test('gets an error beyond its limit of boards', async () => {
    const client = await openLive(world.url);
    for (let board = 1; board <= BOARDS_PER_SOCKET; board += 1) {
      client.send({ type: 'subscribe', leaderboard: `many-${board}` });
    }
    const error = await client.frame(({ event }) => event === 'error');
    expect(error).toMatchObject({
      code: 'resource_exhausted',
      reason: 'SUBSCRIPTION_LIMIT_REACHED',
      leaderboardId: `many-${BOARDS_PER_SOCKET}`,
    });
    client.close();
  });

  test.each(['not a board', 'a/b', '\ud800', 'x'.repeat(65)])(
    'is told that "%s" is no board',
    async (name) => {
      for (const protocols of [[], ['scoreboard.v1.proto']]) {
        const client = await openLive(world.url, { protocols });
        client.send({ type: 'subscribe', leaderboard: name });
        const error = await client.frame(({ event }) => event === 'error');
        expect(error).toMatchObject({ reason: 'LEADERBOARD_INVALID', leaderboardId: name.toWellFormed() });
        client.close();
      }
    },
  );

  test('gets an error without a board if its message names none', async () => {
    const client = await openLive(world.url);
    for (const message of ['no JSON', { type: 'subscribe', leaderboard: 5 }]) client.send(message);
    const errors = await waitFor(() => {
      const heard = client.frames.filter(({ event }) => event === 'error');
      return heard.length === 2 ? heard : undefined;
    });
    expect(errors.map(({ reason, leaderboardId }) => [reason, leaderboardId])).toEqual([
      ['MESSAGE_INVALID', undefined],
      ['LEADERBOARD_INVALID', undefined],
    ]);
    client.close();
  });

  test('gets pong for ping', async () => {
    const client = await openLive(world.url);
    client.send({ type: 'ping' });
    expect(await client.frame(({ event }) => event === 'pong')).toEqual({ event: 'pong', userId: null });
    client.close();
  });
});

describe('a socket that resumes', () => {
  test('from the newest position gets score:current, by URL and by message', async () => {
    await world.publish({ seq: ++seq, entries: [{ userId: 'ann', score: seq }] });
    const watcher = await openLive(world.url);
    await watcher.frame((frame) => frame.seq === seq);

    const client = await openLive(`${world.url}?epoch=1&seq=${seq}`);
    const current = { event: 'score:current', leaderboardId: 'global', epoch: 1, seq, stale: false };
    expect(await client.frame(() => true)).toEqual(current);
    client.send({ type: 'subscribe', leaderboard: 'global', epoch: 1, seq });
    await waitFor(() => client.frames.length === 2 || undefined);
    expect(client.frames[1]).toEqual(current);

    await world.publish({ seq: ++seq, entries: [{ userId: 'ann', score: seq }] });
    await client.frame((frame) => frame.event === 'score:update' && frame.seq === seq);
    watcher.close();
    client.close();
  });

  test('from an older position gets a snapshot', async () => {
    await world.publish({ seq: ++seq, entries: [{ userId: 'ann', score: seq }] });
    const watcher = await openLive(world.url);
    await watcher.frame((frame) => frame.seq === seq);
    const client = await openLive(`${world.url}?epoch=1&seq=${seq - 1}`);
    expect(await client.frame(() => true)).toMatchObject({ event: 'score:snapshot', seq });
    watcher.close();
    client.close();
  });
});
