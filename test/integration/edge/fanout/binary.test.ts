/** Sockets that chose protobuf get every frame in binary form, beside sockets that read JSON. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Frame } from '../../../../edge/fanout/frames/frame.ts';
import { decodeServerFrame } from '../../../support/clients/binary-frame.ts';
import {
  growsStrictly,
  type Frame as Heard,
  openLive,
  positions,
  refusal,
} from '../../../support/clients/live-client.ts';
import { handshake, OPCODE, openRaw } from '../../../support/clients/raw-socket.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/worlds/edge/fanout-world.ts';

const TEXT = 'scoreboard.v1';
const BINARY = 'scoreboard.v1.proto';
const ONLY_BINARY = new Set(['binary']);

let world: FanoutWorld;
beforeAll(async () => {
  world = await startFanoutWorld({ env: { TICK_MS: '1' } });
  world.rank.set({ seq: 1, entries: [{ userId: 'ann', score: 10 }] });
  await world.feedHealthy();
});
afterAll(() => world.stop());
afterEach(() => vi.restoreAllMocks());

const openBinary = (query = '', ...more: string[]) =>
  openLive(`${world.url}${query}`, { protocols: [BINARY, ...more] });

/** Each test uses positions of its own. */
let seq = 100;

describe('a handshake', () => {
  test.each([
    ['binary alone', [BINARY], BINARY, 'binary'],
    ['binary before text', [BINARY, TEXT], BINARY, 'binary'],
    ['text before binary', [TEXT, BINARY], TEXT, 'text'],
    ['binary after an unknown subprotocol', ['chat', BINARY], BINARY, 'binary'],
    ['text alone', [TEXT], TEXT, 'text'],
    ['nothing', [], '', 'text'],
  ])('that offers %s is answered, and gets frames, accordingly', async (_, protocols, answer, encoding) => {
    const client = await openLive(world.url, { protocols });
    expect(client.protocol).toBe(answer);
    expect((await client.frame(() => true)).event).toBe('score:snapshot');
    expect(client.encodings).toEqual(new Set([encoding]));
    client.close();
  });

  test.each(['scoreboard.v1.json', 'scoreboard.v1.prot', 'SCOREBOARD.V1.PROTO'])(
    'that offers %s is refused',
    async (protocol) => {
      const { status, body } = await refusal(world.url, { protocols: [protocol] });
      expect({ status, reason: body.reason }).toEqual({ status: 400, reason: 'HANDSHAKE_INVALID' });
    },
  );
});

describe('a binary socket', () => {
  test('gets the board and each change with the same fields as a socket that reads text', async () => {
    const clients = [await openBinary(), await openLive(world.url, { protocols: [TEXT] })] as const;
    const [binary, text] = clients;
    for (const client of clients) await client.frame(({ event }) => event === 'score:snapshot');
    const from = ++seq;
    for (; seq < from + 5; seq += 1) {
      await world.publish({ seq, entries: [{ userId: 'bob', score: seq }] });
      for (const client of clients) await client.frame((frame) => frame.seq === seq);
    }
    const updates = ({ frames }: { frames: Heard[] }) => frames.filter((frame) => (frame.seq ?? 0) >= from);
    expect(updates(binary)).toEqual(updates(text));
    expect(updates(binary)[0]).toEqual({
      event: 'score:update',
      userId: 'bob',
      newScore: from,
      leaderboard: [{ userId: 'bob', username: 'bob', score: from, rank: 1 }],
      epoch: 1,
      seq: from,
      leaderboardId: 'global',
      stale: false,
    });
    expect(binary.encodings).toEqual(ONLY_BINARY);
    expect(text.encodings).toEqual(new Set(['text']));
    for (const client of clients) client.close();
  });

  test("gets its player's own updates, with a token in the handshake or in a message", async () => {
    const token = await world.auth.token('zoe');
    const early = await openBinary('', `bearer.${token}`);
    const late = await openBinary();
    late.send({ type: 'authenticate', token });
    expect(await late.frame(({ event }) => event === 'authenticated')).toMatchObject({ userId: 'zoe' });
    await waitFor(async () => (await world.metric('fanout_sockets_authenticated')) === 2 || undefined);
    await world.publish(undefined, [{ userId: 'zoe', score: 12, rank: 4711, version: 3 }]);
    await world.publish(undefined, [{ userId: 'zoe', score: 13, rank: 0, version: 4 }]);
    for (const client of [early, late]) {
      const own = await client.frame(({ version }) => version === 4);
      expect(own).toMatchObject({ event: 'score:update', userId: 'zoe', newScore: 13, rank: null });
      expect(client.encodings).toEqual(ONLY_BINARY);
      client.close();
    }
  });

  test('that resumes from the newest position gets score:current', async () => {
    await world.publish({ seq: ++seq, entries: [{ userId: 'ann', score: seq }] });
    const watcher = await openBinary();
    await watcher.frame((frame) => frame.seq === seq);
    const client = await openBinary(`?epoch=1&seq=${seq}`);
    expect(await client.frame(() => true)).toEqual({
      event: 'score:current',
      leaderboardId: 'global',
      epoch: 1,
      seq,
      stale: false,
    });
    expect(client.encodings).toEqual(ONLY_BINARY);
    watcher.close();
    client.close();
  });

  test('gets score:stale when a board becomes stale and when it is fresh again', async () => {
    const doubtful = { leaderboard: 'doubtful', seq: 1, entries: [{ userId: 'ann', score: 1 }] };
    world.rank.set({ ...doubtful, stale: true });
    const client = await openBinary();
    client.send({ type: 'subscribe', leaderboard: 'doubtful' });
    await client.frame(({ leaderboardId, stale }) => leaderboardId === 'doubtful' && stale === true);
    world.rank.set(doubtful);
    const frame = await client.frame(
      ({ event, leaderboardId, stale }) =>
        event === 'score:stale' && leaderboardId === 'doubtful' && stale === false,
    );
    expect(frame).toEqual({ event: 'score:stale', leaderboardId: 'doubtful', stale: false });
    expect(client.encodings).toEqual(ONLY_BINARY);
    client.close();
  });

  test('sends JSON itself, in text or binary frames, and is answered in protobuf', async () => {
    const client = await openBinary();
    for (const binary of [false, true]) {
      client.socket.send(Buffer.from('{"type":"ping"}'), { binary });
      expect(await client.frame(({ event }) => event === 'pong')).toEqual({ event: 'pong', userId: null });
      client.frames.length = 0;
    }
    client.socket.send(Buffer.from('{"type":"ping\xff"}', 'latin1'), { binary: true });
    expect(await client.frame(({ event }) => event === 'error')).toEqual({
      event: 'error',
      code: 'invalid_argument',
      reason: 'MESSAGE_INVALID',
      message: 'The message is not JSON text in UTF-8.',
    });
    expect(client.encodings).toEqual(ONLY_BINARY);
    client.close();
  });

  test('no longer gets a board that it left', async () => {
    world.rank.set({ leaderboard: 'left', seq: 1 });
    const client = await openBinary();
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
});

test.each([
  ['text', 'bytes'],
  ['binary', 'text'],
] as const)('while all sockets read %s, nothing is encoded as %s', async (encoding, other) => {
  await waitFor(async () => (await world.metric('fanout_sockets')) === 0 || undefined);
  const encoded = vi.spyOn(Frame.prototype, other, 'get');
  const protocols = [encoding === 'binary' ? BINARY : TEXT, `bearer.${await world.auth.token('vic')}`];
  const clients = [await openLive(world.url, { protocols }), await openLive(world.url, { protocols })];
  await waitFor(async () => (await world.metric('fanout_sockets_authenticated')) === 2 || undefined);
  const own = { userId: 'vic', score: seq, rank: 1, version: ++seq };
  await world.publish({ seq, entries: [{ userId: 'vic', score: seq }] }, [own]);
  for (const client of clients) {
    await client.frame(({ version }) => version === seq);
    expect(client.encodings).toEqual(new Set([encoding]));
    client.close();
  }
  expect(encoded).not.toHaveBeenCalled();
});

/** A board larger than any real one, so that the kernel's buffers fill soon. */
async function publishLarge(): Promise<void> {
  seq += 1;
  const entries = Array.from({ length: 100 }, (_, index) => ({
    userId: `${index}`.padEnd(128, 'x'),
    score: seq + 100 - index,
  }));
  await world.publish({ seq, entries });
}

test('a binary socket that does not read is parked and catches up with the newest board; others miss nothing', async () => {
  const bystanders = [await openBinary(), await openLive(world.url)];
  const slow = await openRaw(world.node.port, handshake('/live', { 'Sec-WebSocket-Protocol': BINARY }));
  const first = seq + 1;
  slow.tcp.pause();
  await waitFor(
    async () => {
      for (let times = 0; times < 20; times += 1) await publishLarge();
      return (await world.metric('fanout_sockets_behind')) === 1 || undefined;
    },
    { describe: 'a socket that is behind' },
  );
  const dropped = await world.metric('fanout_frames_dropped_total');
  await publishLarge();
  const missed = seq;
  await publishLarge();
  for (const client of bystanders) await client.frame((frame) => frame.seq === seq);
  // Parked: what is published meanwhile is not even dropped at it.
  expect(await world.metric('fanout_frames_dropped_total')).toBe(dropped);
  slow.tcp.resume();
  const decoded = () =>
    slow.frames
      .filter(({ opcode }) => opcode !== OPCODE.PING)
      .map(({ payload }) => decodeServerFrame(payload) as Heard);
  await waitFor(() => decoded().at(-1)?.seq === seq || undefined, { describe: 'the newest board' });
  await publishLarge();
  await waitFor(() => decoded().at(-1)?.seq === seq || undefined, { describe: 'the board after it' });
  const seen = decoded().filter((frame) => (frame.seq ?? 0) >= first);
  expect(seen.map((frame) => frame.seq)).not.toContain(missed);
  expect(growsStrictly(positions(seen))).toBe(true);
  expect(new Set(slow.frames.map(({ opcode }) => opcode))).toEqual(new Set([OPCODE.BINARY]));
  slow.destroy();
  for (const client of bystanders) client.close();
});
