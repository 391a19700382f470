/** Reconnecting: to another node, after a restart, and thousands of sockets at once. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ScoreboardLink } from '../../../../edge/web/client/scoreboard-link.ts';
import { openWebSocket } from '../../../../edge/web/client/socket-port.ts';
import { openLive, refusal } from '../../../support/clients/live-client.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/worlds/edge/fanout-world.ts';

let world: FanoutWorld;
let seq = 1;

const boardAt = (at: number) => ({ seq: at, entries: [{ userId: 'ann', score: at }] });
async function publishNext(): Promise<void> {
  seq += 1;
  world.rank.set(boardAt(seq));
  await world.publish(boardAt(seq));
}

beforeAll(async () => {
  world = await startFanoutWorld();
  world.rank.set(boardAt(seq));
  await world.feedHealthy();
});
afterAll(() => world?.stop());

describe('a position', () => {
  test('of one node is valid on another, and on one that was just started', async () => {
    await publishNext();
    const first = await openLive(world.url);
    const { epoch } = await first.frame((frame) => frame.seq === seq);
    const another = await world.startNode();
    const resume = `${another.url}?epoch=${epoch}&seq=${seq}`;
    const again = await openLive(resume);
    expect(await again.frame(({ event }) => event !== 'score:stale')).toMatchObject({ epoch, seq });
    const settled = await openLive(resume);
    expect(await settled.frame(() => true)).toMatchObject({ event: 'score:current', epoch, seq });
    await publishNext();
    for (const client of [first, again, settled]) await client.frame((frame) => frame.seq === seq);
    for (const client of [first, again, settled]) client.close();
    await another.stop();
  });

  test('that is newer than the board of a lagging node gets a snapshot, and later the newer board', async () => {
    await publishNext();
    const watcher = await openLive(world.url);
    await watcher.frame((frame) => frame.seq === seq);
    const ahead = await openLive(`${world.url}?epoch=1&seq=${seq + 1}`);
    expect(await ahead.frame(() => true)).toMatchObject({ event: 'score:snapshot', seq });
    await publishNext();
    expect(await ahead.frame((frame) => frame.seq === seq)).toMatchObject({ event: 'score:update' });
    watcher.close();
    ahead.close();
  });

  test('of another epoch gets a snapshot', async () => {
    const client = await openLive(`${world.url}?epoch=9&seq=${seq}`);
    expect(await client.frame(() => true)).toMatchObject({ event: 'score:snapshot', epoch: 1 });
    client.close();
  });
});

test('a node that stops closes each socket with its own time to reconnect', async () => {
  const node = await world.startNode();
  const clients = await Promise.all(Array.from({ length: 100 }, () => openLive(node.url)));
  const stopping = node.stop();
  const closes = await Promise.all(clients.map(({ closed }) => closed));
  await stopping;
  expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([1012]));
  const hints = closes.map(({ reason }) => (JSON.parse(reason) as { retryMs: number }).retryMs);
  expect(Math.min(...hints)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...hints)).toBeLessThanOrEqual(1_000);
  expect(new Set(hints).size).toBeGreaterThan(50);
});

describe('a storm', () => {
  const PER_SECOND = 500;
  const CROWD = 2_500;

  /** Asks for an upgrade on a connection that is open already, so that thousands can ask in the same moment. */
  function ask(socket: Socket): Promise<{ isIn: boolean; retryAfter: string | undefined }> {
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('data', (chunk) => {
        const head = chunk.toString('latin1');
        socket.resume();
        resolve({
          isIn: head.startsWith('HTTP/1.1 101'),
          retryAfter: /^retry-after: *(\d+)/im.exec(head)?.[1],
        });
      });
      socket.write(
        'GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
    });
  }

  async function openSocket(port: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }

  test('of more sockets than a node takes at once is refused with a retry time, admitted step by step, and does not affect open sockets', async () => {
    const node = await world.startNode({ MAX_UPGRADES_PER_S: String(PER_SECOND) });
    const port = Number(new URL(node.url).port);
    const inside = await openLive(node.url);
    await inside.frame(() => true);
    let waiting = await Promise.all(Array.from({ length: CROWD }, () => openSocket(port)));
    const sockets: Socket[] = [];
    const rounds: { letIn: number; hints: Set<string | undefined> }[] = [];
    while (waiting.length > 0) {
      const answers = waiting.map(async (socket) => ({ socket, ...(await ask(socket)) }));
      await publishNext();
      await inside.frame((frame) => frame.seq === seq);
      const asked = await Promise.all(answers);
      const refused = asked.filter(({ isIn }) => !isIn);
      sockets.push(...asked.filter(({ isIn }) => isIn).map(({ socket }) => socket));
      rounds.push({
        letIn: asked.length - refused.length,
        hints: new Set(refused.map(({ retryAfter }) => retryAfter)),
      });
      for (const { socket } of refused) socket.destroy();
      // A client would wait for the hint; asking at once is the worst that can happen.
      waiting = await Promise.all(refused.map(() => openSocket(port)));
    }
    expect(rounds[0]?.hints).toEqual(new Set(['1']));
    expect(rounds[0]?.letIn).toBeGreaterThanOrEqual(PER_SECOND - 1);
    expect(sockets).toHaveLength(CROWD);
    await publishNext();
    await inside.frame((frame) => frame.seq === seq);
    for (const socket of sockets) socket.destroy();
    inside.close();
    await node.stop();
  });

  test('on a full node gets an HTTP error, and the client of the page waits longer each time until it is admitted', async () => {
    const node = await world.startNode({ MAX_SOCKETS: '1' });
    const holder = await openLive(node.url);
    expect(await refusal(node.url)).toMatchObject({
      status: 503,
      body: { code: 'unavailable', reason: 'NODE_FULL' },
    });
    const attempts: number[] = [];
    const link = new ScoreboardLink(
      { url: node.url },
      {
        open: (url, protocols, handlers) => {
          attempts.push(performance.now());
          return openWebSocket(url, protocols, handlers);
        },
        random: () => 1,
        network: { online: () => true, onWake: () => () => {} },
      },
    );
    await waitFor(() => attempts.length >= 4 || undefined);
    const waits = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
    // Half a second, one, two: the ceiling of the back-off, as chance would have it here.
    for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual(490 * 2 ** index);
    holder.close();
    await waitFor(() => link.state.status === 'live' || undefined);
    link.close();
    await node.stop();
  });
});
