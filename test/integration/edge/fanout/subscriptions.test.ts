/** What sockets ask for besides a board, through the whole product: another size, and players to follow. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Frame, type LiveClient, openLive } from '../../../support/clients/live-client.ts';
import { sentAgain } from '../../../support/clients/sent-again.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../../../support/worlds/whole-world.ts';

const call = { limitMs: 10_000 };
const PLAYERS = 120;
const SIZES = [3, 10, 50, 100] as const;
const idOf = (at: number) => `p${String(at).padStart(3, '0')}`;

let world: WholeWorld;
let actions = 0;
/** The points of each player, by id. */
const points = new Map<string, number>();

beforeAll(async () => {
  world = await startWholeWorld({ each: 1 });
  await score(Array.from({ length: PLAYERS }, (_, at) => [idOf(at), 1_000 - at]));
});
afterAll(() => world?.stop());

/** Adds points to players of the board "long", once each. */
async function score(given: ReadonlyArray<readonly [userId: string, points: number]>): Promise<void> {
  actions += 1;
  const submissions = given.map(([userId, more]) => ({
    ...{ leaderboard: 'long', userId, username: `Name of ${userId}`, actionId: `a${actions}` },
    points: BigInt(more),
  }));
  await waitFor(async () => {
    const { outcomes } = await sentAgain(() => world.scoreAs('game').submitScores({ submissions }, call));
    return outcomes.every(({ result }) => result.case === 'accepted') || undefined;
  });
  for (const [userId, more] of given) points.set(userId, (points.get(userId) ?? 0) + more);
}

const first = (size: number) =>
  [...points]
    .sort(([, a], [, b]) => b - a)
    .slice(0, size)
    .map(([userId, sum], at) => [userId, sum, at + 1]);
/** The frame of a socket that shows the first players as they are now. */
const shows = (client: LiveClient, size: number): Promise<Frame> =>
  client.frame(({ leaderboard, leaderboardId }) => {
    const shown = leaderboard?.map(({ userId, score: sum, rank }) => [userId, sum, rank]);
    return leaderboardId === 'long' && String(shown) === String(first(size));
  });
async function watch(size: number | undefined, options: { protocols?: string[] } = {}): Promise<LiveClient> {
  const client = await openLive(world.fanoutUrls[0] ?? '', options);
  client.send({ type: 'subscribe', leaderboard: 'long', size });
  return client;
}
const tokenOf = async (userId: string): Promise<string> => {
  const asked = { userId, username: `Name of ${userId}` };
  return (await sentAgain(() => world.authAs('cli').issueToken(asked, call))).accessToken;
};
const ofBoard = ({ frames }: LiveClient) => frames.filter(({ leaderboardId }) => leaderboardId === 'long');

it('shows each socket as much as it asked for, in both encodings, and every change of that', async () => {
  const clients = new Map<number, LiveClient[]>();
  for (const size of SIZES) {
    clients.set(size, [await watch(size), await watch(size, { protocols: ['scoreboard.v1.proto'] })]);
  }
  const all = async () => {
    for (const [size, pair] of clients) for (const client of pair) await shows(client, size);
  };
  await all();
  for (const [size, pair] of clients) {
    for (const client of pair) {
      // Frames of the default size do not name it.
      const said = new Set(ofBoard(client).map((frame) => (frame as { size?: number }).size));
      expect([...said]).toEqual([size === 10 ? undefined : size]);
    }
  }
  // Below the tenth place, between the tenth and the fiftieth, to the top, and a newcomer in the last part.
  await score([[idOf(60), 1]]);
  await all();
  await score([[idOf(30), 15]]);
  await all();
  await score([[idOf(99), 5_000]]);
  await all();
  await score([['new', 930]]);
  await all();
  for (const client of [...clients.values()].flat()) client.close();
});

it('takes another size in the place of the last, and the default one when none is named', async () => {
  const client = await watch(3);
  await shows(client, 3);
  client.send({ type: 'subscribe', leaderboard: 'long', size: 50 });
  await shows(client, 50);
  client.send({ type: 'subscribe', leaderboard: 'long' });
  await shows(client, 10);
  const seen = ofBoard(client).length;
  await score([[idOf(60), 1]]);
  await score([[idOf(1), 500]]);
  await shows(client, 10);
  const later = ofBoard(client).slice(seen);
  expect(later.every((frame) => (frame as { size?: number }).size === undefined)).toBe(true);
  client.send({ type: 'unsubscribe', leaderboard: 'long' });
  client.send({ type: 'subscribe', leaderboard: 'long', size: 7 });
  expect(await client.frame(({ event }) => event === 'error')).toMatchObject({ reason: 'MESSAGE_INVALID' });
  client.close();
});

it('resumes a small board from its position, and shows a large one, which may have changed at it, again', async () => {
  for (const [size, event] of [
    [3, 'score:current'],
    [100, 'score:snapshot'],
  ] as const) {
    const before = await watch(size);
    const { epoch, seq } = await shows(before, size);
    const client = await openLive(world.fanoutUrls[0] ?? '');
    client.send({ type: 'subscribe', leaderboard: 'long', size, epoch, seq });
    const frame = await client.frame(({ leaderboardId }) => leaderboardId === 'long');
    expect(frame).toMatchObject({ event, epoch, seq, size });
    client.close();
    before.close();
  }
});

it('brings a player the own standing with a board of the size that the socket watches', async () => {
  const client = await watch(3, { protocols: ['scoreboard.v1', `bearer.${await tokenOf(idOf(110))}`] });
  await score([[idOf(110), 1]]);
  const own = await client.frame(
    ({ newScore, version }) => newScore === points.get(idOf(110)) && version !== undefined,
  );
  expect(own).toMatchObject({ userId: idOf(110), leaderboardId: 'long', size: 3 });
  expect(own.leaderboard).toHaveLength(3);
  client.close();
});

it('brings the players whom a signed-in socket follows, ranked, and again when they move', async () => {
  const friends = [idOf(90), idOf(20), 'nobody', idOf(119)];
  const ranked = () => first(points.size).filter(([userId]) => friends.includes(String(userId)));
  const token = await tokenOf('follower');
  const clients = await Promise.all(
    ['scoreboard.v1', 'scoreboard.v1.proto'].map((protocol) =>
      openLive(world.fanoutUrls[0] ?? '', { protocols: [protocol, `bearer.${token}`] }),
    ),
  );
  const untilShown = async () => {
    const expected = String(ranked());
    for (const client of clients) {
      await client.frame(({ event, leaderboardId, ...frame }) => {
        const { players = [] } = frame as { players?: { userId: string; score: number; rank: number }[] };
        const shown = players.map(({ userId, score: sum, rank }) => [userId, sum, rank]);
        return event === 'score:players' && leaderboardId === 'long' && String(shown) === expected;
      });
    }
  };
  for (const client of clients) client.send({ type: 'subscribe', leaderboard: 'long', players: friends });
  await untilShown();
  await score([[idOf(119), 700]]);
  await untilShown();
  // A stranger passes two of them.
  await score([['stranger', 2_000]]);
  await untilShown();
  for (const client of clients) client.close();
  const anonymous = await openLive(world.fanoutUrls[0] ?? '');
  anonymous.send({ type: 'subscribe', leaderboard: 'long', players: friends });
  // The board is watched all the same, so the error does not name it.
  const refused = await anonymous.frame(({ event }) => event === 'error');
  expect([refused.reason, refused.leaderboardId]).toEqual(['TOKEN_REQUIRED', undefined]);
  await shows(anonymous, 10);
  anonymous.close();
});

it('tells a player who was passed by whom, in either encoding', async () => {
  const own = idOf(80);
  const token = await tokenOf(own);
  const clients = await Promise.all(
    ['scoreboard.v1', 'scoreboard.v1.proto'].map((protocol) =>
      openLive(world.fanoutUrls[0] ?? '', { protocols: [protocol, `bearer.${token}`] }),
    ),
  );
  for (const client of clients) {
    // Signed in: from its first list on the socket is told who passes its player.
    await waitFor(
      () => {
        if (client.frames.some(({ event, userId }) => event === 'pong' && userId === own)) return true;
        client.send({ type: 'ping' });
        return undefined;
      },
      { everyMs: 200, describe: 'a pong that names the player' },
    );
    client.send({ type: 'subscribe', leaderboard: 'long', players: [idOf(70), idOf(95)] });
    await client.frame(({ event }) => event === 'score:players');
  }
  await score([[idOf(70), 1]]);
  await score([[idOf(95), 100]]);
  const rank = first(points.size).findIndex(([userId]) => userId === own) + 1;
  for (const client of clients) {
    expect(await client.frame(({ event }) => event === 'score:overtaken')).toEqual({
      ...{ event: 'score:overtaken', leaderboardId: 'long', userId: own, rank },
      by: [
        {
          userId: idOf(95),
          username: `Name of ${idOf(95)}`,
          score: points.get(idOf(95)),
          rank: expect.any(Number),
        },
      ],
    });
    client.close();
  }
});
