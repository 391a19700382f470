/**
 * Two edges and two fan-out nodes of the whole product behind Debian's nginx and HAProxy, with the files of `deploy/`: both get their
 * share, and one of each that stops costs no score and no watcher.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../dev/host/ports.ts';
import type { LocalServer } from '../../../dev/servers/child-server.ts';
import { metricOf } from '../../support/clients/admin-pages.ts';
import { ask, submit } from '../../support/clients/edge-client.ts';
import { type LiveClient, openLive } from '../../support/clients/live-client.ts';
import { sentAgain } from '../../support/clients/sent-again.ts';
import { deployed, startHaproxy, startNginx } from '../../support/servers/proxies.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../../support/worlds/whole-world.ts';

/** The documented rule: these are sent again, unchanged. A proxy says 502 for no answer. */
const RETRIED = [429, 502, 503, 504];
const LIMIT = { limitMs: 10_000 };
const PLAYERS = 4;
const SOCKETS = 8;
/** The close codes of a node that stops, and of a client that leaves for good. */
const STOPPING = 1012;
const LEAVES = 4000;

let world: WholeWorld;
let proxies: LocalServer[] = [];
let bases: [string, string][] = [];

beforeAll(async () => {
  world = await startWholeWorld({ each: 2 });
  const upstreams = {
    edge: world.edges.map(({ port }) => port),
    fanout: world.nodes.map(({ port }) => port),
    game: await freePort(),
  };
  const [first, second] = [await freePort(), await freePort()];
  proxies = await Promise.all([
    startNginx(first, await deployed('nginx.conf', first, upstreams)),
    startHaproxy(second, await deployed('haproxy.cfg', second, upstreams)),
  ]);
  bases = proxies.map(({ url }, at) => [at === 0 ? 'nginx' : 'haproxy', `${url}/board`]);
  await Promise.all(
    bases.map(([, base]) => waitFor(async () => (await ask(`${base}/readyz`)).status === 200 || undefined)),
  );
});
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await world?.stop();
});

const requestsOf = () => Promise.all(world.edges.map((edge) => metricOf(edge, 'edge_requests_total')));
const socketsOf = () => Promise.all(world.nodes.map((node) => metricOf(node, 'fanout_sockets')));

/** One action, sent again by the documented rule until it is answered. Returns the statuses before. */
async function earn(base: string, userId: string, actionId: string, token: string): Promise<number[]> {
  const sign = () => world.authAs('game').signAction({ action: { userId, actionId, points: 1n } }, LIMIT);
  const { signature } = await sentAgain(sign);
  const refusals: number[] = [];
  await waitFor(async () => {
    const answer = await submit(base, token, { actionId, points: 1, signature }).catch(() => undefined);
    if (answer?.status === 200) return true;
    if (answer !== undefined) refusals.push(answer.status);
    return undefined;
  });
  return refusals;
}

const tokenOf = async (userId: string) =>
  (await sentAgain(() => world.authAs('cli').issueToken({ userId }, LIMIT))).accessToken;

const open = (base: string) =>
  waitFor(() => openLive(`${base.replace('http', 'ws')}/live`).catch(() => undefined), {
    describe: 'a socket through the proxy',
  });

describe('two of each behind nginx and HAProxy', () => {
  it('both edges get requests, from each proxy', async () => {
    for (const [, base] of bases) {
      const before = await requestsOf();
      await waitFor(async () => {
        expect((await ask(`${base}/api/v1/scoreboard/top`)).status).toBe(200);
        return (await requestsOf()).every((count, at) => count > (before[at] ?? 0) + 2) || undefined;
      });
    }
  });

  it('sockets are shared out, and those of a node that stops come back on the other', async () => {
    const codes: number[] = [];
    const clients = new Set<LiveClient>();
    /** A client that comes back as the documents say. */
    const stay = async (base: string): Promise<void> => {
      const client = await open(base);
      clients.add(client);
      void client.closed.then(({ code }) => {
        clients.delete(client);
        codes.push(code);
        return code === LEAVES ? undefined : stay(base);
      });
    };
    for (const [name, base] of bases) {
      const before = await socketsOf();
      for (let at = 0; at < SOCKETS; at += 1) await stay(base);
      const shares = (await socketsOf()).map((count, at) => count - (before[at] ?? 0));
      expect([name, Math.min(...shares) > 0]).toEqual([name, true]);
    }
    const [stops, remains] = world.nodes;
    const moved = await metricOf(stops, 'fanout_sockets');
    await world.stopNode(0);
    const all = bases.length * SOCKETS;
    await waitFor(async () => (await metricOf(remains, 'fanout_sockets')) === all || undefined);
    expect(codes).toEqual(Array.from({ length: moved }, () => STOPPING));
    const userId = 'seen';
    await earn(bases[0]?.[1] ?? '', userId, 'seen-1', await tokenOf(userId));
    await waitFor(() => clients.size === all || undefined);
    await Promise.all(
      [...clients].map((client) =>
        client.frame(({ leaderboard }) => leaderboard?.some((entry) => entry.userId === userId) === true),
      ),
    );
    for (const client of clients) client.socket.close(LEAVES);
  });

  it('an edge that stops under load loses no score', async () => {
    let isOver = false;
    const refusals: number[] = [];
    const playing = bases.flatMap(([name, base]) =>
      Array.from({ length: PLAYERS }, async (_, player) => {
        const userId = `${name}-${player}`;
        const token = await tokenOf(userId);
        let count = 0;
        for (; !isOver; count += 1) refusals.push(...(await earn(base, userId, `drain-${count}`, token)));
        return { userId, count };
      }),
    );
    const before = await requestsOf();
    await waitFor(
      async () => (await requestsOf()).every((count, at) => count > (before[at] ?? 0) + PLAYERS) || undefined,
    );
    const [, remains] = world.edges;
    await world.stopEdge(0);
    const left = await metricOf(remains, 'edge_requests_total');
    await waitFor(
      async () => (await metricOf(remains, 'edge_requests_total')) > left + 4 * PLAYERS || undefined,
    );
    isOver = true;
    const played = await Promise.all(playing);
    expect(refusals.filter((status) => !RETRIED.includes(status))).toEqual([]);
    for (const { userId, count } of played) {
      expect(count).toBeGreaterThan(0);
      await waitFor(async () => {
        const { entry } = await world.rankAs('edge').getRank({ userId }, LIMIT);
        return entry?.score === BigInt(count) || undefined;
      });
    }
  });
});
