/** The page behind nginx under one host name and a path: page, board, socket and game are all below /board/. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../dev/host/ports.ts';
import type { LocalServer } from '../../dev/servers/child-server.ts';
import { type StackProcesses, startStackProcesses } from '../support/processes/stack-processes.ts';
import { deployed, startNginx } from '../support/servers/proxies.ts';
import { join, launchBrowser, openPage, playRound, rowOf, showsLive } from './browser.ts';

let stack: StackProcesses;
let browser: Browser;
let nginx: LocalServer;
let url: string;

beforeAll(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}/board/`;
  const env = {
    FANOUT_PUBLIC_URL: '/live',
    GAME_PUBLIC_URL: '/game',
    TRUSTED_PROXIES: '127.0.0.1',
    ALLOWED_ORIGINS: new URL(url).origin,
  };
  [stack, browser] = await Promise.all([startStackProcesses({ env }), launchBrowser()]);
  const portOf = (name: string) => Number(stack.env[name]);
  const upstreams = { edge: portOf('EDGE_PORT'), fanout: portOf('FANOUT_PORT'), game: portOf('GAME_PORT') };
  nginx = await startNginx(port, await deployed('nginx.conf', port, upstreams));
});

afterAll(async () => {
  await browser?.close();
  await nginx?.stop();
  await stack?.stop();
});

it('is live, a round counts, and nothing is asked of another port', async () => {
  const { page, complaints } = await openPage(browser, url);
  const elsewhere: string[] = [];
  const note = (address: string) => {
    if (new URL(address).host !== new URL(url).host) elsewhere.push(address);
  };
  page.on('request', (request) => note(request.url()));
  page.on('websocket', (socket) => note(socket.url()));
  await page.reload();
  await showsLive(page);
  await join(page, 'Ada Lovelace');
  await playRound(page, { lights: 1 });
  await rowOf(page, 'Ada Lovelace').waitFor();
  expect({ complaints, elsewhere }).toEqual({ complaints: [], elsewhere: [] });
});

it('tells a page of another origin why its board stays empty', async () => {
  const { page } = await openPage(browser, url.replace('127.0.0.1', 'localhost'));
  const status = page.locator('live-scoreboard .status');
  await status.getByText('the origin of the page is not in ALLOWED_ORIGINS').waitFor();
});
