/**
 * One address takes all it can of a node, and the clients of other addresses are still served. Linux lets a client bind to any
 * address of 127.0.0.0/8, so each client here has its own address; the node exempts none.
 */
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  BOARD_OPENINGS_PER_ADDRESS,
  BOARDS_PER_ADDRESS,
  BOARDS_PER_NODE,
  BOARDS_PER_SOCKET,
} from '../../../../edge/fanout/hub/limits.ts';
import { MESSAGES_PER_ADDRESS, MESSAGES_PER_SOCKET } from '../../../../edge/fanout/sockets/limits.ts';
import { handshake, openRaw, type RawSocket, text } from '../../../support/clients/raw-socket.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { type FanoutWorld, startFanoutWorld } from '../../../support/worlds/edge/fanout-world.ts';

const ATTACKER = '127.0.0.2';
const HONEST = '127.0.0.3';

let world: FanoutWorld;
let opened: { destroy(): void }[] = [];
let attacking = false;

async function start(env: Record<string, string> = {}): Promise<void> {
  world = await startFanoutWorld({ env: { ADDRESS_LIMIT_EXEMPT: '-', ...env } });
  await world.feedHealthy();
}
beforeEach(() => {
  opened = [];
  attacking = true;
});
afterEach(async () => {
  attacking = false;
  for (const each of opened) each.destroy();
  await world.stop();
});

async function open(from: string, opening: string = handshake()): Promise<RawSocket> {
  const socket = await openRaw(world.node.port, opening, from);
  opened.push(socket);
  return socket;
}
const openMany = (from: string, count: number) =>
  Promise.all(Array.from({ length: count }, () => open(from)));
const statusOf = ({ head }: RawSocket) => head.split(' ')[1] ?? 'closed';

const say = (socket: RawSocket, ...messages: object[]) =>
  socket.write(...messages.map((message) => text(JSON.stringify(message))));
/** The frames of JSON that a socket got. */
const heard = (socket: RawSocket) =>
  socket.frames.filter(({ opcode }) => opcode === 1).map(({ payload }) => JSON.parse(payload.toString()));
const refusals = (sockets: readonly RawSocket[]) =>
  sockets.flatMap(heard).filter(({ event }) => event === 'error');

/** Subscribes to unknown boards, as many as one socket may watch beside the default one. */
async function makeUpBoards(sockets: readonly RawSocket[], name: string): Promise<void> {
  for (const [index, socket] of sockets.entries()) {
    const boards = Array.from({ length: BOARDS_PER_SOCKET - 1 }, (_, board) => `${name}-${index}-${board}`);
    say(socket, ...boards.map((leaderboard) => ({ type: 'subscribe', leaderboard })));
  }
  const asked = sockets.length * (BOARDS_PER_SOCKET - 1);
  const answered = () =>
    sockets.flatMap(heard).filter(({ event, leaderboardId }) => {
      return ['score:snapshot', 'error'].includes(event) && leaderboardId.startsWith(name);
    }).length;
  await waitFor(() => answered() >= asked || undefined, { describe: 'an answer for each board' });
}

/** Resolves once a socket of the address has been sent the board. */
async function watch(from: string, leaderboard: string): Promise<void> {
  const socket = await open(from);
  say(socket, { type: 'subscribe', leaderboard });
  await waitFor(() =>
    heard(socket).find((frame) => frame.leaderboardId === leaderboard && frame.leaderboard),
  );
  expect(refusals([socket])).toEqual([]);
}

describe('boards', () => {
  test('with made-up names from one address leave room for those of others', async () => {
    await start();
    world.rank.set({ leaderboard: 'weekly', seq: 4, entries: [{ userId: 'ann', score: 7 }] });
    const sockets = await openMany(ATTACKER, Math.ceil(BOARDS_PER_NODE / (BOARDS_PER_SOCKET - 1)) + 1);
    await makeUpBoards(sockets, 'made-up');
    await watch(HONEST, 'weekly');
    await watch(HONEST, 'nobody-played-yet');
    expect(await world.metric('fanout_boards')).toBeLessThanOrEqual(BOARDS_PER_ADDRESS + 3);
    const [{ reason, leaderboardId } = { reason: '', leaderboardId: '' }] = refusals(sockets);
    expect(reason).toBe('SUBSCRIPTION_LIMIT_REACHED');
    expect(leaderboardId).toMatch(/^made-up-/);
  });

  test('with made-up names from many addresses give way to one with scores, and their viewers get an error', async () => {
    await start();
    world.rank.set({ leaderboard: 'weekly', seq: 4, entries: [{ userId: 'ann', score: 7 }] });
    const all: RawSocket[] = [];
    for (let host = 1; host <= 11; host += 1) {
      const sockets = await openMany(`127.0.1.${host}`, BOARDS_PER_ADDRESS / BOARDS_PER_SOCKET);
      await makeUpBoards(sockets, `of-${host}`);
      all.push(...sockets);
    }
    const more = await openMany('127.0.1.12', 2);
    await makeUpBoards(more, 'of-12');
    expect(await world.metric('fanout_boards')).toBe(BOARDS_PER_NODE);
    await watch(HONEST, 'weekly');
    const told = await waitFor(() => refusals(all)[0]);
    expect(told).toMatchObject({
      reason: 'SUBSCRIPTION_LIMIT_REACHED',
      leaderboardId: expect.stringMatching(/^of-/),
    });
  });

  test('that one address opens and leaves repeatedly make no flood of reads', async () => {
    await start();
    const sockets = await openMany(ATTACKER, 40);
    const before = world.rank.reads;
    const turns = MESSAGES_PER_SOCKET.burst / 2;
    for (const [index, socket] of sockets.entries()) {
      for (let turn = 0; turn < turns; turn += 1) {
        const leaderboard = `churn-${index}-${turn}`;
        say(socket, { type: 'subscribe', leaderboard }, { type: 'unsubscribe', leaderboard });
      }
    }
    const refused = await waitFor(() => {
      const errors = refusals(sockets);
      return errors.length >= sockets.length * turns - BOARD_OPENINGS_PER_ADDRESS.burst - 100
        ? errors
        : undefined;
    });
    expect(refused.every(({ reason }) => reason === 'RATE_LIMITED')).toBe(true);
    expect(refused[0]?.leaderboardId).toMatch(/^churn-/);
    expect(world.rank.reads - before).toBeLessThan(BOARD_OPENINGS_PER_ADDRESS.burst + 100);
    await watch(HONEST, 'weekly');
  });
});

describe('handshakes', () => {
  /** Opens, shakes hands and resets, as fast as it can, until the test is over. */
  async function flood(): Promise<void> {
    while (attacking) {
      await new Promise<void>((resolve) => {
        const tcp: Socket = connect({ port: world.node.port, host: '127.0.0.1', localAddress: ATTACKER });
        tcp.on('error', () => undefined);
        tcp.on('close', () => resolve());
        tcp.once('data', () => tcp.resetAndDestroy());
        tcp.write(handshake());
      });
    }
  }

  test('of others all succeed while one address keeps opening and resetting sockets', async () => {
    await start({ MAX_UPGRADES_PER_S: '300' });
    const floods = Array.from({ length: 32 }, flood);
    await waitFor(async () => (await world.metric('fanout_connections_refused_total')) > 1_000 || undefined, {
      describe: 'a flood that is refused',
    });
    const statuses: string[] = [];
    for (let host = 1; host <= 100; host += 1) statuses.push(statusOf(await open(`127.0.2.${host}`)));
    expect(statuses.filter((status) => status !== '101')).toEqual([]);
    attacking = false;
    await Promise.all(floods);
  });

  test('beyond the limit of an address get a retry time, and beyond that its connections are cut', async () => {
    await start({ MAX_UPGRADES_PER_S: '40' });
    const statuses: string[] = [];
    while (!['429', 'closed'].every((status) => statuses.includes(status))) {
      const socket = await open(ATTACKER);
      const status = statusOf(socket);
      if (status === '429') expect(socket.head).toMatch(/retry-after: [1-9]/i);
      statuses.push(status);
    }
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill('101'));
    expect(statusOf(await open(HONEST))).toBe('101');
  });
});

describe('behind a trusted proxy', () => {
  const PROXY = '127.0.0.4';
  const forwarded = (client: string) => handshake('/live', { 'X-Forwarded-For': client });

  test('sockets count for the address of the client, and connections for that of the proxy', async () => {
    await start({ MAX_UPGRADES_PER_S: '40', TRUSTED_PROXIES: PROXY });
    const statuses = [];
    for (let count = 0; count < 40; count += 1)
      statuses.push(statusOf(await open(PROXY, forwarded('203.0.113.1'))));
    expect(statuses).toContain('429');
    expect(statuses).not.toContain('closed');
    expect(statusOf(await open(PROXY, forwarded('203.0.113.2')))).toBe('101');
  });
});

describe('connections', () => {
  test('of one address without any request leave room for those of others', async () => {
    await start({ MAX_UPGRADES_PER_S: '40' });
    const silent = Array.from({ length: 100 }, () => {
      const tcp = connect({ port: world.node.port, host: '127.0.0.1', localAddress: ATTACKER });
      opened.push(tcp);
      tcp.on('error', () => undefined);
      return tcp.resume();
    });
    await waitFor(async () => (await world.metric('fanout_connections_refused_total')) > 50 || undefined);
    await waitFor(() => silent.filter(({ destroyed }) => destroyed).length > 50 || undefined);
    expect(await world.metric('fanout_connections')).toBeLessThan(50);
    expect(statusOf(await open(HONEST))).toBe('101');
  });

  test('end with their answer, so that none is kept open by occasional requests', async () => {
    await start();
    const socket = await open(HONEST, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(statusOf(socket)).toBe('200');
    expect(socket.head).toMatch(/^connection: close/im);
    await waitFor(() => socket.ended || undefined);
    await waitFor(async () => (await world.metric('fanout_connections')) === 0 || undefined);
  });

  test('that became sockets are counted until they close', async () => {
    await start();
    const sockets = await openMany(HONEST, 5);
    expect(await world.metric('fanout_connections')).toBe(5);
    for (const socket of sockets) socket.destroy();
    await waitFor(async () => (await world.metric('fanout_connections')) === 0 || undefined);
  });
});

test('messages of one address are limited together, and those of others go through', async () => {
  await start({ MAX_UPGRADES_PER_S: '100000' });
  const sockets: RawSocket[] = [];
  while (sockets.length * MESSAGES_PER_SOCKET.burst < 3 * MESSAGES_PER_ADDRESS.burst)
    sockets.push(...(await openMany(ATTACKER, 50)));
  const honest = await open(HONEST);
  const pings = Array.from({ length: MESSAGES_PER_SOCKET.burst - 1 }, () => ({ type: 'ping' }));
  for (const socket of sockets) say(socket, ...pings);
  const codes = await waitFor(async () => {
    const ended = sockets.filter(({ frames }) => frames.some(({ opcode }) => opcode === 8));
    return ended.length > 0 ? Promise.all(ended.map((socket) => socket.closed())) : undefined;
  });
  expect(new Set(codes)).toEqual(new Set([4029]));
  say(honest, ...pings);
  await waitFor(
    () => heard(honest).filter(({ event }) => event === 'pong').length === pings.length || undefined,
  );
});
