/** A player below the tenth place, on the page and in an element that shows fewer places. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { rankedAnswer, sentAgain } from '../support/clients/sent-again.ts';
import { type StackProcesses, startStackProcesses } from '../support/processes/stack-processes.ts';
import { join, launchBrowser, openPage, showsLive } from './browser.ts';

const PLAYERS = 11;
/** Only bounds a hang. */
const SOON = { timeout: 45_000 };

let stack: StackProcesses;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStackProcesses(), launchBrowser()]);
  for (let rank = 1; rank <= PLAYERS; rank += 1) await earn(`p${rank}`, 90_000 - 1_000 * rank);
}, 240_000);

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

async function earn(userId: string, points: number, leaderboard = 'global'): Promise<void> {
  const { body } = await rankedAnswer(async () => {
    const answer = await sentAgain(() => stack.submit(userId, `${leaderboard}-1`, points, leaderboard));
    return { body: answer as { newScore?: number; reason?: string; rank?: number } };
  });
  expect(body.newScore).toBe(points);
}

/** A page of another site would look like this; the edge's own origin is allowed. */
async function embed(markup: string, script = ''): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  const address = `${stack.edgeUrl}/embedded`;
  await page.route(address, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><script type="module" src="/live-scoreboard.js"></script>${markup}<script>${script}</script>`,
    }),
  );
  await page.goto(address);
  return page;
}

const ranks = (page: Page) => page.locator('live-scoreboard .row .rank').allTextContents();

describe('the page of a player below the tenth place', () => {
  it('shows the own row, what lies between, and who is next, and asks for nothing that is not there', async () => {
    const { page, complaints } = await openPage(browser, stack.edgeUrl);
    const missing: string[] = [];
    page.on('response', (response) => {
      if (response.status() === 404) missing.push(response.url());
    });
    await showsLive(page);
    await join(page, 'Hedy');
    const userId = await page.evaluate<string>(
      "JSON.parse(localStorage.getItem('scoreboard.player')).userId",
    );
    await earn(userId, 70);
    const own = page.locator('live-scoreboard .row.own');
    const showsAll = async (points: number) => {
      await own.getByText('Hedy').waitFor(SOON);
      expect(await own.locator('.rank').textContent()).toBe('12');
      await page.locator('live-scoreboard .gap').getByText('1 in between').waitFor(SOON);
      await page.locator('#own-rank').getByText('#12').waitFor(SOON);
      await page.locator('#own-score').getByText(`${points} points`).waitFor(SOON);
      await page
        .locator('#own-chase')
        .getByText(`${(79_000 - points).toLocaleString('en')} behind p11`)
        .waitFor(SOON);
    };
    await showsAll(70);
    await stack.cli(['scores', 'adjust', 'global', userId, '-20', '--reason', 'counted twice']);
    await showsAll(50);
    await page.reload();
    await showsAll(50);
    expect({ complaints, missing }).toEqual({ complaints: [], missing: [] });
  });

  it('is the same player in a new tab, until someone else plays', async () => {
    const { page } = await openPage(browser, stack.edgeUrl);
    await join(page, 'Radia');
    const tab = await page.context().newPage();
    await tab.goto(stack.edgeUrl);
    await tab.locator('#player-name').getByText('Radia').waitFor(SOON);
    await tab.getByRole('button', { name: 'Play as someone else' }).click();
    await tab.getByLabel('Your name on the board').waitFor(SOON);
    await tab.reload();
    await tab.getByLabel('Your name on the board').waitFor(SOON);
  });
});

describe('an embedded board', () => {
  it('shows more than ten places if the page asks for them, and fewer when it asks for fewer', async () => {
    const page = await embed(`<live-scoreboard src="${stack.fanoutUrl}" rows="11"></live-scoreboard>`);
    await page.locator('live-scoreboard .row').getByText('p11').waitFor(SOON);
    const places = Array.from({ length: PLAYERS }, (_, at) => String(at + 1));
    expect(await ranks(page)).toEqual(places);
    await page.locator('live-scoreboard').evaluate((board) => board.setAttribute('rows', '2'));
    await page
      .locator('live-scoreboard .row')
      .getByText('p3')
      .waitFor({ ...SOON, state: 'detached' });
    await page.locator('live-scoreboard .row').getByText('p2').waitFor(SOON);
    expect(await ranks(page)).toEqual(places.slice(0, 2));
  });

  it('shows the own place right after sign-in, with as many rows as the page asks for', async () => {
    const token = await sentAgain(() => stack.token('p9'));
    const page = await embed(
      `<live-scoreboard src="${stack.fanoutUrl}" rows="3" own-row></live-scoreboard>`,
      `document.querySelector('live-scoreboard').token = '${token}'`,
    );
    await page.locator('live-scoreboard .row.own').waitFor(SOON);
    expect(await ranks(page)).toEqual(['1', '2', '3', '9']);
    await page.locator('live-scoreboard .gap').getByText('5 in between').waitFor(SOON);
  });

  it('has rows of one height, free or not, and hides the free ones at request', async () => {
    await earn('p1', 5, 'weekly');
    const board = (more: string) =>
      `<live-scoreboard src="${stack.fanoutUrl}" leaderboard="weekly" ${more}></live-scoreboard>
       <style>live-scoreboard::part(row) { min-block-size: 2rem }</style>`;
    const page = await embed(board(''));
    await page.locator('live-scoreboard .name').getByText('p1').waitFor(SOON);
    const heights = await page.evaluate<number[]>(
      `[...document.querySelector('live-scoreboard').shadowRoot.querySelectorAll('.row')].map((row) => row.offsetHeight)`,
    );
    expect(heights).toEqual(Array.from({ length: 10 }, () => 32));
    await page.evaluate("document.querySelector('live-scoreboard').toggleAttribute('hide-empty')");
    await expect.poll(() => ranks(page)).toEqual(['1']);
  });

  it('speaks the words of the page', async () => {
    const page = await embed(
      `<live-scoreboard src="${stack.fanoutUrl}" leaderboard="none" words='{"heading":"Rangliste","live":"Aktuell","empty":"Noch leer"}'></live-scoreboard>`,
    );
    const board = page.getByRole('region', { name: 'Rangliste' });
    await board.getByText('Aktuell', { exact: true }).waitFor(SOON);
    await board.getByText('Noch leer').waitFor(SOON);
  });

  it('tells the page why it was refused', async () => {
    const page = await embed(
      `<live-scoreboard src="${stack.fanoutUrl.replace('/live', '/lvie')}"></live-scoreboard>`,
      `addEventListener('scoreboard:error', ({ detail }) => { document.title = detail.reason })`,
    );
    await page.locator('live-scoreboard').getByText('wrong path: the socket is at /live').waitFor(SOON);
    await expect.poll(() => page.title()).toBe('ROUTE_NOT_FOUND');
    await page.locator('live-scoreboard .board[data-status=refused]').waitFor(SOON);
  });
});
