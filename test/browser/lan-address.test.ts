/** The page opened from another machine of the network: by an address of this machine that no setting names. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type StackProcesses, startStackProcesses } from '../support/processes/stack-processes.ts';
import { join, launchBrowser, openPage, playRound, rowOf, showsLive } from './browser.ts';

let stack: StackProcesses;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStackProcesses({ env: { HOST: '0.0.0.0' } }), launchBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

const openedAt = (host: string) => openPage(browser, stack.edgeUrl.replace('127.0.0.1', host));

it('by an IP address: the board is live, and a round counts', async () => {
  const { page, complaints } = await openedAt('127.0.0.2');
  await showsLive(page);
  await join(page, 'Ada Lovelace');
  await playRound(page, { lights: 1 });
  await rowOf(page, 'Ada Lovelace').waitFor();
  await page.locator('#notice').waitFor({ state: 'hidden' });
  expect(complaints).toEqual([]);
});

it('by a name that no setting lists: the page says what to do', async () => {
  const { page } = await openedAt('board.localhost');
  await page.getByText('Open this page by the IP address of its machine').waitFor();
  expect(await page.locator('#notice').textContent()).toContain('http://board.localhost:');
});
