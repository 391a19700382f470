/** Both kinds of keys are rotated at the terminal while hundreds of players score: nobody notices. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseEdgeConfig } from '../../../edge/http/config.ts';
import { type EdgeServer, startEdge } from '../../../edge/http/service.ts';
import { PUBLISH_DELAY_MS } from '../../../services/auth/keys/key-store.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { type Answer, submit } from '../../support/clients/edge-client.ts';
import { patient } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type ScoreWorld, startScoreWorld } from '../../support/worlds/score/score-world.ts';

/** Submissions under way at any moment. */
const IN_FLIGHT = 200;
/** What has to be accepted in each part of the test. */
const ENOUGH = 400;
/** What a client repeats unchanged. */
const COME_BACK = new Set([429, 503, 504]);
const SOON = { limitMs: 30_000 };

const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs };
let world: ScoreWorld;
let edge: EdgeServer;
let base: string;

beforeAll(async () => {
  world = await startScoreWorld({ clock });
  const config = parseEdgeConfig({
    ...{ EDGE_PORT: '0', REDIS_URL: world.redisUrl, SERVICE_KEY: world.serviceKeys.edge },
    ...{ AUTH_ADDRESS: world.authAddress, SCORE_ADDRESS: world.scoreAddresses[0] },
  });
  edge = await startEdge(config, { log: createSilentLog(), clock });
  base = `http://127.0.0.1:${edge.port}`;
  await waitFor(async () => (await fetch(`${base}/readyz`)).ok || undefined, { describe: 'a ready edge' });
});
afterAll(async () => {
  await edge?.stop();
  await world?.stop();
});

async function rotate(kind: 'token' | 'action'): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['services/cli/main.ts', 'keys', 'rotate', kind],
    { env: { PATH: process.env.PATH, AUTH_KEYS_DIR: world.keysDir } },
  );
  return stdout.trim();
}

const keyIdOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;

/** Players who sign in, score a few times with that token, and sign in again, until they are told to stop. */
function play(players: number) {
  const accepted = { tokenKeys: new Map<string, number>(), actionKeys: new Map<string, number>() };
  const refused: Answer[] = [];
  let stopping = false;
  const count = (keys: Map<string, number>, kid: string) => keys.set(kid, (keys.get(kid) ?? 0) + 1);

  async function score(userId: string, accessToken: string, actionId: string): Promise<void> {
    const action = { leaderboard: 'global', userId, actionId, points: 1n };
    const { signature } = await patient(world.authAs('game')).signAction({ action }, SOON);
    for (;;) {
      const answer = await submit(base, accessToken, { actionId, points: 1, signature });
      if (COME_BACK.has(answer.status)) continue;
      if (answer.status !== 200) refused.push(answer);
      count(accepted.tokenKeys, keyIdOf(accessToken));
      count(accepted.actionKeys, signature.split('.')[1] ?? '');
      return;
    }
  }

  async function player(userId: string): Promise<void> {
    const first = (await patient(world.authAs('game')).issueToken({ userId }, SOON)).accessToken;
    let latest = first;
    for (let turn = 0; !stopping; turn += 1) {
      // By turns with a token from before all rotations and with the latest one.
      if (turn % 4 === 0)
        latest = (await patient(world.authAs('game')).issueToken({ userId }, SOON)).accessToken;
      await score(userId, turn % 2 === 0 ? first : latest, `a${turn}`);
    }
  }

  const ended = Promise.all(Array.from({ length: players }, (_, index) => player(`player-${index}`)));
  const total = (keys: Map<string, number>) => [...keys.values()].reduce((sum, each) => sum + each, 0);
  return {
    accepted,
    refused,
    /** Resolves once so many more were answered. */
    async more(answers: number) {
      const goal = total(accepted.tokenKeys) + answers;
      await waitFor(() => total(accepted.tokenKeys) >= goal || undefined, { describe: 'more answers' });
    },
    async stop() {
      stopping = true;
      await ended;
    },
  };
}

test('rotations under load refuse nobody, and the new keys take over', async () => {
  const crowd = play(IN_FLIGHT);
  await crowd.more(ENOUGH);
  const [tokenKey, actionKey] = [await rotate('token'), await rotate('action')];
  await waitFor(
    async () => (await world.authAs('edge').getKeySet({}, SOON)).jwksJson.includes(tokenKey) || undefined,
    { describe: 'the new key in the key set' },
  );
  await crowd.more(ENOUGH);
  // Published, and signing nothing yet.
  expect(crowd.accepted.tokenKeys.has(tokenKey)).toBe(false);
  expect(crowd.accepted.actionKeys.has(actionKey)).toBe(false);
  clock.aheadMs += PUBLISH_DELAY_MS;
  const { tokenKeys, actionKeys } = crowd.accepted;
  await waitFor(
    () =>
      ((tokenKeys.get(tokenKey) ?? 0) >= ENOUGH && (actionKeys.get(actionKey) ?? 0) >= ENOUGH) || undefined,
    { describe: 'scores by the new keys' },
  );
  await crowd.stop();
  expect(crowd.refused).toEqual([]);
  expect([tokenKeys.size, actionKeys.size]).toEqual([2, 2]);
});
