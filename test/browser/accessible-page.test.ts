import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type StackProcesses, startStackProcesses } from '../support/processes/stack-processes.ts';
import { join, launchBrowser, litCell, openPage, playRound, rowOf, showsLive } from './browser.ts';
import { LOW_CONTRAST_SCRIPT, type LowContrast } from './contrast.ts';

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

/** Without transitions, so that no colour is caught half-way. */
const SCREENS: [string, BrowserContextOptions][] = [
  ['light', { colorScheme: 'light', reducedMotion: 'reduce' }],
  ['dark', { colorScheme: 'dark', reducedMotion: 'reduce' }],
];

describe('the accessible page', () => {
  it('can be played with the keyboard alone, from the name to the next round', async () => {
    const { page } = await openPage(browser, stack.edgeUrl);
    await showsLive(page);
    await page.keyboard.press('Tab');
    await page.keyboard.type('Hedy');
    await page.keyboard.press('Enter');
    await page.locator('#start:focus').waitFor();
    await page.keyboard.press('Enter');
    for (let light = 0; light < 10; light += 1) {
      const lit = await litCell(page);
      expect(await lit.getAttribute('aria-label')).toMatch(/^[1-9], lit$/);
      expect(await page.locator('#spoken').textContent()).toBe(await lit.textContent());
      const dots = page.locator('.dot.hit, .dot.miss');
      const played = await dots.count();
      await page.keyboard.press((await lit.textContent()) ?? '');
      await dots.nth(played).waitFor();
    }
    await page.locator('#start:focus').waitFor();
    expect(await page.locator('#start').textContent()).toBe('Play again');
    await rowOf(page, 'Hedy').waitFor();
  });

  it('names every control and has one main part, one first heading and headings below it', async () => {
    const { page } = await openPage(browser, stack.edgeUrl);
    await showsLive(page);
    expect(await page.getByRole('main').count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Scoreboard');
    expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual([
      'Tap the light',
      'Top 10',
    ]);
    await page.getByRole('textbox', { name: 'Your name on the board' }).waitFor();
    await page.getByRole('region', { name: 'Top 10' }).waitFor();
    await join(page, 'Radia');
    for (let cell = 1; cell <= 9; cell += 1) {
      await page.getByRole('button', { name: String(cell), exact: true }).waitFor();
    }
  });

  it('refuses an empty name with a message at the field', async () => {
    const { page } = await openPage(browser, stack.edgeUrl);
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.getByRole('alert').getByText('Choose a name first.').waitFor();
    await page.locator('#name:focus[aria-invalid=true]').waitFor();
  });

  it('announces the leader in a polite live region', async () => {
    const viewer = await openPage(browser, stack.edgeUrl);
    await showsLive(viewer.page);
    const spoken = viewer.page.locator('live-scoreboard').locator('[aria-live=polite]');
    expect(await spoken.getAttribute('role')).toBe('status');
    const player = await openPage(browser, stack.edgeUrl);
    await join(player.page, 'Annie Easley');
    await playRound(player.page);
    await playRound(player.page);
    await expect.poll(() => spoken.textContent()).toMatch(/is now first with [\d,]+$/);
  });
});

describe('the look of the page', () => {
  it.each(SCREENS)('has enough contrast everywhere in %s', async (scheme, options) => {
    const { page } = await openPage(browser, stack.edgeUrl, options);
    await showsLive(page);
    expect(await page.evaluate<LowContrast[]>(LOW_CONTRAST_SCRIPT)).toEqual([]);
    await join(page, `Joan in ${scheme}`);
    await playRound(page, { lights: 2 });
    await rowOf(page, `Joan in ${scheme}`).waitFor();
    expect(await page.evaluate<LowContrast[]>(LOW_CONTRAST_SCRIPT)).toEqual([]);
    await page.context().setOffline(true);
    stack.killFanout();
    await page.getByText(/^(Reconnecting|Offline) · as of/).waitFor();
    expect(await page.evaluate<LowContrast[]>(LOW_CONTRAST_SCRIPT)).toEqual([]);
  });

  it('shows where the focus is', async () => {
    const { page } = await openPage(browser, stack.edgeUrl);
    await page.keyboard.press('Tab');
    await page.locator('#name:focus-visible').waitFor();
    const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outline');
    expect(outline).toMatch(/solid 3px/);
  });

  it('fits a narrow phone without scrolling sideways, signed in or not', async () => {
    const { page } = await openPage(browser, stack.edgeUrl, { viewport: { width: 360, height: 740 } });
    await showsLive(page);
    const width = () => page.evaluate<number>('document.documentElement.scrollWidth');
    expect(await width()).toBeLessThanOrEqual(360);
    await join(page, 'A name of thirty-two characters!');
    expect(await width()).toBeLessThanOrEqual(360);
    const box = await page.locator('.cell').first().boundingBox();
    expect(box?.width).toBeGreaterThanOrEqual(44);
  });

  it('does not animate rows if reduced motion is preferred', async () => {
    const { page } = await openPage(browser, stack.edgeUrl, { reducedMotion: 'reduce' });
    await showsLive(page);
    await join(page, 'Mary');
    await playRound(page, { lights: 1 });
    await rowOf(page, 'Mary').waitFor();
    const moving = "document.querySelector('live-scoreboard').shadowRoot.getAnimations().length";
    expect(await page.evaluate<number>(moving)).toBe(0);
  });
});
