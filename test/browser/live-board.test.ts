import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type StackProcesses, startStackProcesses } from '../support/processes/stack-processes.ts';
import { BUSY_MS } from '../support/wait-for.ts';
import { join, launchBrowser, openPage, playRound, rowOf, showsLive } from './browser.ts';

let stack: StackProcesses;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStackProcesses(), launchBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

describe('the live board', () => {
  it('shows a new score on another screen at once', async () => {
    const player = await openPage(browser, stack.edgeUrl);
    const viewer = await openPage(browser, stack.edgeUrl);
    await Promise.all([showsLive(player.page), showsLive(viewer.page)]);
    await join(player.page, 'Ada Lovelace');
    const answered = player.page.waitForResponse((response) =>
      response.url().endsWith('/api/v1/score/update'),
    );
    await playRound(player.page, { lights: 1 });
    const answer = await answered;
    expect(answer.status()).toBe(200);
    await rowOf(viewer.page, 'Ada Lovelace').waitFor({ timeout: 1_000 + BUSY_MS });

    await expect.poll(() => player.page.locator('#own-rank').textContent()).toBe('#1');
    await rowOf(player.page, 'Ada Lovelace').getByText('You').waitFor();
    expect([...player.complaints, ...viewer.complaints]).toEqual([]);
  });

  it('shows the sum of a round on the card, on the board and at the edge', async () => {
    const { page } = await openPage(browser, stack.edgeUrl);
    await showsLive(page);
    await join(page, 'Grace Hopper');
    await playRound(page);
    await page.getByText(/^10 of 10 hit for/).waitFor();
    await page.locator('#own-pending').waitFor({ state: 'hidden' });
    const top = async () => {
      const list: unknown = await (await fetch(`${stack.edgeUrl}/api/v1/scoreboard/top`)).json();
      return (list as { username: string; score: number }[]).find(
        (entry) => entry.username === 'Grace Hopper',
      );
    };
    const score = (await top())?.score ?? 0;
    expect(score).toBeGreaterThan(0);
    const words = score.toLocaleString('en');
    await rowOf(page, 'Grace Hopper').getByText(words, { exact: true }).waitFor();
    await page.locator('#own-score').getByText(`${words} points`).waitFor();

    // The same score, on a board that is shown with decimals and a unit.
    await page.locator('live-scoreboard').evaluate((board) => {
      board.setAttribute('decimals', '3');
      board.setAttribute('unit', 's');
    });
    const shown = `${(score / 1_000).toLocaleString('en', { minimumFractionDigits: 3 })} s`;
    await rowOf(page, 'Grace Hopper').getByText(shown, { exact: true }).waitFor();
  });

  it('shows a name as text, whatever it looks like', async () => {
    const { page, complaints } = await openPage(browser, stack.edgeUrl);
    await showsLive(page);
    await join(page, '<img src=x onerror=alert(1)>');
    await playRound(page, { lights: 1 });
    await rowOf(page, '<img src=x onerror=alert(1)>').waitFor();
    expect(await page.locator('live-scoreboard img').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('keeps the player over a reload and forgets them when they leave', async () => {
    const { page } = await openPage(browser, stack.edgeUrl);
    await join(page, 'Margaret');
    await playRound(page, { lights: 1 });
    await page.locator('#own-pending').waitFor({ state: 'hidden' });
    await expect.poll(() => page.locator('#own-rank').textContent()).toMatch(/^#\d+$/);
    await page.reload();
    await page.getByRole('button', { name: 'Start' }).waitFor();
    await expect.poll(() => page.locator('#own-rank').textContent()).toMatch(/^#\d+$/);
    await page.getByRole('button', { name: 'Play as someone else' }).click();
    await page.getByLabel('Your name on the board').waitFor();
    expect(await page.evaluate<number>('sessionStorage.length + localStorage.length')).toBe(0);
    await showsLive(page);
  });

  it('can be embedded with one script tag', async () => {
    const address = `${stack.edgeUrl}/embedded`;
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.route(address, (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<!doctype html><script type="module" src="/live-scoreboard.js"></script>
          <live-scoreboard src="${stack.fanoutUrl}"></live-scoreboard>`,
      }),
    );
    await page.goto(address);
    await page.locator('live-scoreboard').getByText('Live', { exact: true }).waitFor();
    await rowOf(page, 'Ada Lovelace').waitFor();
  });
});

describe('when the fan-out node dies', () => {
  it('the page says so, reconnects by itself and shows new scores', async () => {
    const { page } = await openPage(browser, stack.edgeUrl);
    await showsLive(page);
    stack.killFanout();
    await page.locator('#connection[data-status=reconnecting]').waitFor();
    await page.getByText(/^Reconnecting · as of/).waitFor();
    await showsLive(page);
    await join(page, 'Katherine');
    await playRound(page, { lights: 1 });
    await rowOf(page, 'Katherine').waitFor({ timeout: 2_000 + BUSY_MS });
  });
});
