/**
 * One public host name: real edge, fan-out and game server behind Debian's nginx and HAProxy, with the files of `deploy/` and with the
 * plainest configuration of nginx.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../dev/host/ports.ts';
import type { LocalServer } from '../../../dev/servers/child-server.ts';
import { parseTrustedProxies } from '../../../services/shared/net/client-address.ts';
import { ask, speak, submit } from '../../support/clients/edge-client.ts';
import { openLive } from '../../support/clients/live-client.ts';
import { deployed, startHaproxy, startNginx, type Upstreams } from '../../support/servers/proxies.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type EdgeWorld, startEdgeWorld } from '../../support/worlds/edge/edge-world.ts';
import { type FanoutWorld, startFanoutWorld } from '../../support/worlds/edge/fanout-world.ts';
import { type GameWorld, startGameWorld } from '../../support/worlds/game-world.ts';

const TRUST = { TRUSTED_PROXIES: '127.0.0.1' };
const ORIGIN = 'https://play.example';
let edge: EdgeWorld;
let fanout: FanoutWorld;
let game: GameWorld;
let upstreams: Upstreams;
const proxies: LocalServer[] = [];

beforeAll(async () => {
  [edge, fanout, game] = await Promise.all([
    startEdgeWorld({
      env: {
        ...TRUST,
        FANOUT_PUBLIC_URL: '/live',
        GAME_PUBLIC_URL: '/game',
      },
    }),
    startFanoutWorld({ env: { ...TRUST, ADDRESS_LIMIT_EXEMPT: '-', MAX_SOCKETS_PER_ADDRESS: '2' } }),
    startGameWorld(),
  ]);
  const behind = await game.startNode({ trustedProxies: parseTrustedProxies(TRUST) });
  upstreams = { edge: edge.node.port, fanout: fanout.node.port, game: behind.port };
  await fanout.feedHealthy();
});
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await Promise.all([edge?.stop(), fanout?.stop(), game?.stop()]);
});

async function started(start: (port: number) => Promise<LocalServer>): Promise<string> {
  const proxy = await start(await freePort());
  proxies.push(proxy);
  return proxy.url;
}

/** The plainest lines with which nginx passes requests on: no header of its own, and one for HTTP/1.1, without which nothing works. */
const plain = (port: number) => `
  server {
    listen 127.0.0.1:${port};
    proxy_http_version 1.1;
    location /board/ { proxy_pass http://127.0.0.1:${upstreams.edge}/; }
    location /board/game/ { proxy_pass http://127.0.0.1:${upstreams.game}/; }
    location /board/live {
      proxy_pass http://127.0.0.1:${upstreams.fanout}/live;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
    }
  }`;

const PROXIES: readonly [string, (port: number) => Promise<LocalServer>][] = [
  ['plain nginx', async (port) => startNginx(port, plain(port))],
  ['deploy/nginx.conf', async (port) => startNginx(port, await deployed('nginx.conf', port, upstreams))],
  ['deploy/haproxy.cfg', async (port) => startHaproxy(port, await deployed('haproxy.cfg', port, upstreams))],
];

describe.each(PROXIES)('behind %s', (name, start) => {
  const tellsHost = name !== 'plain nginx';
  let base: string;
  beforeAll(async () => {
    base = `${await started(start)}/board`;
  });

  test('the page and all that it refers to are there', async () => {
    const { status, text } = await ask(`${base}/`);
    expect(status).toBe(200);
    const references = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
    expect(references.map((path) => path.replace(/\?.*/, ''))).toContain('page/page.js');
    for (const path of references) {
      expect((await ask(new URL(path, `${base}/`).href)).status, path).toBe(200);
    }
  });

  test('without the slash at its end the address leads to the page', async () => {
    expect((await ask(base)).text).toMatch(/^<!doctype html>/i);
  });

  test('the page finds socket and game at its own address', async () => {
    const { body } = await ask(`${base}/config.json`);
    const host = new URL(base).host;
    expect(body).toEqual(
      tellsHost
        ? { fanoutUrl: `ws://${host}/board/live`, gameUrl: `http://${host}/board/game` }
        : { fanoutUrl: 'live', gameUrl: 'game' },
    );
    const policy = (await ask(`${base}/`)).headers.get('content-security-policy');
    expect(policy).toContain(
      tellsHost ? `connect-src 'self' ws://${host} http://${host};` : "connect-src 'self';",
    );
  });

  test('a socket gets the board, and a score counts', async () => {
    const socket = await openLive(`${base.replace('http', 'ws')}/live`, {
      origin: ORIGIN,
      protocols: ['scoreboard.v1'],
    });
    await socket.frame(({ event }) => event === 'score:snapshot');
    socket.close();
    // A busy machine may answer 503 at first, which asks for a retry.
    await waitFor(async () => {
      const { status } = await ask(`${base}/game/v1/players`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"username":"Ann"}' },
      });
      if (status !== 503) expect(status).toBe(201);
      return status === 201 || undefined;
    });
    const actionId = name.replaceAll(/\W/g, '');
    expect((await submit(base, await edge.token('alice'), { actionId })).status).toBe(200);
  });

  /** nginx speaks the version of its configuration to the upstream, HAProxy that of its client. */
  test('a client of HTTP/1.0 is answered as documented', async () => {
    const { heard } = await speak(Number(new URL(base).port), [
      'GET /board/healthz HTTP/1.0\r\nHost: x\r\n\r\n',
    ]);
    expect(heard).toMatch(name === 'deploy/haproxy.cfg' ? /^HTTP\/1\.[01] 505/ : /^HTTP\/1\.[01] 200/);
  });
});

describe('the address of a client', () => {
  let nginx: string;
  beforeAll(async () => {
    nginx = await started(async (port) => startNginx(port, await deployed('nginx.conf', port, upstreams)));
  });

  /** A client at any address of 127.0.0.0/8 but the one that is trusted. */
  const open = (origin: string, headers: Record<string, string> = {}) =>
    openLive(`${nginx.replace('http', 'ws')}/board/live`, { origin, headers, localAddress: '127.0.0.77' });

  test('is the one that nginx sees, whatever the client writes', async () => {
    const forged = { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=7.7.7.7' };
    const sockets = [await open(ORIGIN, forged), await open(ORIGIN, forged)];
    await expect(open(ORIGIN, { 'x-forwarded-for': '8.8.8.8' })).rejects.toThrow('429');
    for (const socket of sockets) socket.close();
  });
});
