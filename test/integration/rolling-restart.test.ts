/** Several instances of each service, restarted one after another under load. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { submit } from '../support/clients/edge-client.ts';
import { sentAgain } from '../support/clients/sent-again.ts';
import { waitFor } from '../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../support/worlds/whole-world.ts';

const SERVICES = { auth: 2, score: 3, rank: 2 };
const PLAYERS = 12;
/** The documented rule: these are sent again, unchanged. */
const RETRIED = [429, 503, 504];
const LIMIT = { limitMs: 10_000 };

let world: WholeWorld;
const tokens: string[] = [];
beforeAll(async () => {
  world = await startWholeWorld({ balanced: SERVICES });
  for (let player = 0; player < PLAYERS; player += 1) {
    const issue = () => world.authAs('cli').issueToken({ userId: `player-${player}` }, LIMIT);
    tokens.push((await sentAgain(issue)).accessToken);
  }
});
afterAll(() => world?.stop());

/** Requests of the edge to each instance of score, as its metrics page tells them. */
async function shares(): Promise<number[]> {
  const page = await fetch(`http://127.0.0.1:${world.edges[0]?.adminPort}/metrics`);
  const text = await page.text();
  return world.scoreAddresses.map((address) => {
    const line = `grpc_client_requests_total{to="score",instance="${address}",service="edge"} (\\d+)`;
    return Number(new RegExp(line.replaceAll('{', '\\{').replaceAll('.', '\\.')).exec(text)?.[1] ?? 0);
  });
}

/** One action, sent again by the documented rule until it is answered. Returns the statuses before. */
async function earn(player: number, actionId: string): Promise<number[]> {
  const userId = `player-${player}`;
  const sign = () => world.authAs('game').signAction({ action: { userId, actionId, points: 1n } }, LIMIT);
  const { signature } = await sentAgain(sign);
  const refusals: number[] = [];
  await waitFor(async () => {
    const { status } = await submit(world.edgeUrls[0] ?? '', tokens[player] ?? '', {
      ...{ actionId, points: 1, signature },
    });
    if (status === 200) return true;
    refusals.push(status);
    return undefined;
  });
  return refusals;
}

/** All players earn points until the work has ended. Returns how many each earned, and all refusals. */
async function playDuring(round: string, work: () => Promise<void>) {
  let isOver = false;
  const refusals: number[] = [];
  const playing = Array.from({ length: PLAYERS }, async (_, player) => {
    let count = 0;
    for (; !isOver; count += 1) refusals.push(...(await earn(player, `${round}-${count}`)));
    return count;
  });
  const over = Promise.all(playing);
  try {
    await Promise.race([work(), over]);
  } finally {
    isOver = true;
    await over;
  }
  return { counts: await over, refusals };
}

test('a rolling restart of all services loses and refuses no score of a client that sends again', async () => {
  const { counts, refusals } = await playDuring('restart', async () => {
    await waitFor(async () => (await shares()).every((share) => share > 0) || undefined);
    for (let at = 0; at < SERVICES.auth; at += 1) await world.restartAuth(at);
    for (let at = 0; at < SERVICES.rank; at += 1) {
      await world.stopRank(at);
      await world.startRank(at);
    }
    for (let at = 0; at < SERVICES.score; at += 1) {
      await world.stopScore(at);
      await world.startScore(at);
      const before = await shares();
      // A restarted instance gets requests again before the next one stops.
      await waitFor(async () => ((await shares())[at] ?? 0) > (before[at] ?? 0) || undefined);
    }
  });
  expect(refusals.filter((status) => !RETRIED.includes(status))).toEqual([]);
  for (const [player, count] of counts.entries()) {
    expect(count).toBeGreaterThan(0);
    await waitFor(async () => {
      const { entry } = await world.rankAs('edge').getRank({ userId: `player-${player}` }, LIMIT);
      return entry?.score === BigInt(count) || undefined;
    });
  }
});
