/** A real Chromium for the tests, and pages of it that fail the test when they complain. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { FASTEST_HUMAN_MS } from '../../services/game/rounds/points.ts';

const CHROMIUM_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Nothing but the page under test may use the network. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A page that a test made up has no address, and Chromium would keep it from talking to this machine.
  '--disable-features=LocalNetworkAccessChecks',
];

/** CHROMIUM_PATH names the binary when it is at an unusual place. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = [process.env.CHROMIUM_PATH ?? '', ...CHROMIUM_PATHS].find((path) =>
    existsSync(path),
  );
  if (executablePath === undefined) throw new Error('Chromium is not installed: set CHROMIUM_PATH');
  return chromium.launch({ executablePath, args: QUIET });
}

/** Bounds a hang, on a busy machine too. */
const LIMIT_MS = 90_000;

export interface WatchedPage {
  readonly page: Page;
  /** What the page complained about: script errors, refused by policy, requests to foreign hosts. */
  readonly complaints: string[];
}

/** Refusals that the product answers by design are told apart by their text. */
const EXPECTED_COMPLAINT = /status of (401|429|503)|ERR_CONNECTION_REFUSED|WebSocket connection to/;

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  context.setDefaultTimeout(LIMIT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  const home = new URL(url).hostname;
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !EXPECTED_COMPLAINT.test(message.text()))
      complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).hostname !== home) complaints.push(`foreign request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, complaints };
}

/** Resolves once the page says that it is live. */
export async function showsLive(page: Page): Promise<void> {
  await page.locator('#connection[data-status=live]').waitFor();
}

export async function join(page: Page, name: string): Promise<void> {
  await page.getByLabel('Your name on the board').fill(name);
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await page.getByRole('button', { name: 'Start' }).waitFor();
}

/** The lit cell, once it has been lit for as long as a person needs: a quicker hit is not rewarded. */
export async function litCell(page: Page) {
  const lit = page.locator('.cell.lit');
  await lit.waitFor();
  const seenAt = await page.evaluate(() => performance.now());
  await page.waitForFunction((time) => performance.now() > time, seenAt + FASTEST_HUMAN_MS);
  return lit;
}

/**
 * Plays a new round with the number keys until that many lights are hit, or the round is over: on a busy machine a light may expire
 * before the key reaches it.
 */
export async function playRound(page: Page, { lights = 10 }: { lights?: number } = {}): Promise<void> {
  await page.getByRole('button', { name: /^(Start|Play again)$/ }).click();
  const lit = page.locator('.cell.lit');
  const played = page.locator('.dot.hit, .dot.miss');
  const open = page.locator('.dot.open');
  await litCell(page);
  while ((await open.count()) > 0 && (await page.locator('.dot.hit').count()) < lights) {
    const before = await played.count();
    // An expired light is a miss.
    await lit.or(played.nth(before)).first().waitFor();
    const seenAt = await page.evaluate(() => performance.now());
    await page.waitForFunction((time) => performance.now() > time, seenAt + FASTEST_HUMAN_MS);
    const number = await page.evaluate<string | null>("document.querySelector('.cell.lit')?.textContent");
    if (number) await page.keyboard.press(number);
    await played.nth(before).waitFor();
  }
}

/** The row of this player on the board, wherever it is. */
export function rowOf(page: Page, name: string) {
  return page.locator('live-scoreboard .row').filter({ hasText: name });
}
