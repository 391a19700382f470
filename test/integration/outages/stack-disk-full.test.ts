/**
 * `npm start` on file systems that are full for a while, under load: what is acknowledged stays, what is away is told by name,
 * and with room again everything heals by itself. Beside it what else a running server can lose: the scripts of Redis.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectRedis } from '../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { secretsOf } from '../../support/access/stack-secrets.ts';
import { ask, bearer } from '../../support/clients/edge-client.ts';
import { type LiveClient, openLive } from '../../support/clients/live-client.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { mountSmallDisk, type SmallDisk } from '../../support/servers/small-disk.ts';
import { waitFor } from '../../support/wait-for.ts';

const PLAYERS = ['ada', 'bob', 'cy', 'dan'];
const ACTIONS = 5_000;
/** Some hundred actions a second from all of them: a load, and no flood. */
const PAUSE_MS = 20;
let folder: string;
let disk: SmallDisk | undefined;
let diskOfNats: SmallDisk | undefined;
let stack: StackProcesses;
let watcher: LiveClient;
let players: Player[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scoreboard-disk-'));
  disk = mountSmallDisk(folder, 400);
  // Of its own, so that one test can fill it while scores are accepted.
  diskOfNats = mountSmallDisk(join(folder, 'nats'), 64);
  stack = await startStackProcesses({ dataDir: folder, env: { RATE_USER_PER_S: '1000' } });
  players = await Promise.all(PLAYERS.map(createPlayer));
  watcher = await openLive(stack.fanoutUrl);
});

afterAll(async () => {
  for (const player of players ?? []) player.stop();
  watcher?.close();
  await stack?.stop();
  diskOfNats?.unmount();
  disk?.unmount();
  await rm(folder, { recursive: true, force: true });
});

type Player = Awaited<ReturnType<typeof createPlayer>>;

/** Earns one point an action, one after the other, and repeats each until it is acknowledged. */
async function createPlayer(name: string) {
  const token = await stack.token(name);
  const lines = Array.from({ length: ACTIONS }, (_, n) => `${name} a${n} 1`).join('\n');
  const signatures = (await stack.cli(['sign', '-'], lines)).stdout.trim().split('\n');
  let acknowledged = 0;
  let refused = 0;
  let stopped = false;

  async function play(): Promise<void> {
    while (!stopped && acknowledged < ACTIONS) {
      const answer = await ask(`${stack.edgeUrl}/api/v1/score/update`, {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': 'application/json' },
        body: JSON.stringify({
          actionId: `a${acknowledged}`,
          points: 1,
          signature: signatures[acknowledged],
        }),
      });
      if (answer.status === 200) {
        acknowledged += 1;
        expect(answer.body.newScore).toBe(acknowledged);
      } else {
        refused += 1;
        // Also what is shed while so much waits for the disk.
        expect([429, 503, 504]).toContain(answer.status);
      }
      // The pace of a player.
      await sleep(PAUSE_MS);
    }
  }

  const playing = play();
  return {
    name,
    acknowledged: () => acknowledged,
    refused: () => refused,
    playing,
    stop: () => {
      stopped = true;
    },
  };
}

const total = () => players.reduce((sum, player) => sum + player.acknowledged(), 0);
const allReady = () => waitFor(async () => (await stack.isReady()) || undefined);
const without = (name: string, trouble: RegExp) =>
  waitFor(async () => trouble.test((await stack.troubleOf(name)) ?? '') || undefined);
/** Someone's next scores are on the screen, which does not call them stale. */
const isShown = async () => {
  const before = total();
  await waitFor(() => {
    const shown = watcher.frames.findLast(({ leaderboard }) => leaderboard !== undefined);
    const points = shown?.leaderboard?.reduce((sum, { score }) => sum + score, 0) ?? 0;
    const { stale } = watcher.frames.findLast((frame) => frame.stale !== undefined) ?? {};
    return (points > before && stale === false) || undefined;
  });
};
const metric = async (name: string) => {
  const port = stack.stack().processes.score?.adminPort;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)`, 'm').exec(text)?.[1]);
};
const drained = () => waitFor(async () => ((await metric('outbox_oldest_seconds')) < 2 ? true : undefined));

test('a full disk under NATS: scores count and are shown, JetStream is named, and with room it is back', async () => {
  await isShown();
  const nats = stack.stack().processes.nats?.pid;
  await diskOfNats?.fill();
  await without('score', /^nats \(JetStream is disabled/);
  await without('fanout', /^nats \(JetStream is disabled/);
  await without('rank', /^nats \(JetStream is disabled/);
  await isShown();
  await isShown();
  // A new start would meet the same disk.
  expect(stack.stack().processes.nats?.pid).toBe(nats);
  diskOfNats?.free();
  await allReady();
  await drained();
  await isShown();
  expect(stack.output()).toContain('nats: JetStream is disabled or does not answer; restarting it\n');
  // Once by each of the three that use it.
  const tellers = [...stack.output().matchAll(/(\w+): NATS: JetStream is disabled/g)].map(([, name]) => name);
  expect(tellers.toSorted()).toEqual(['fanout', 'rank', 'score']);
});

test('a full disk under everything: what was acknowledged counts once, and all is back when there is room', async () => {
  await disk?.fill();
  await diskOfNats?.fill();
  const refused = players.map((player) => player.refused());
  await waitFor(() => players.every((player, at) => player.refused() > (refused[at] ?? 0)) || undefined);
  disk?.free();
  diskOfNats?.free();
  await allReady();
  await drained();
  await isShown();
});

test('scripts that were flushed from Redis are loaded again, and told', async () => {
  const url = new URL(stack.stack().addresses?.redisUrl ?? '');
  [url.username, url.password] = ['admin', secretsOf(stack).get('admin.redis') ?? ''];
  const redis = connectRedis({
    ...{ url: url.href, connectionName: 'test', commandTimeoutMs: 10_000 },
    log: createSilentLog(),
  });
  await waitFor(() => redis.status === 'ready' || undefined);
  await redis.script('FLUSH');
  redis.disconnect();
  await waitFor(() => /redis: its scripts .* loaded again/.test(stack.output()) || undefined);
  await allReady();
  await isShown();
});

test('in the end every player has one point for each acknowledged action', async () => {
  for (const player of players) player.stop();
  await Promise.all(players.map(({ playing }) => playing));
  await waitFor(async () => {
    const { body } = await ask(`${stack.edgeUrl}/api/v1/scoreboard/top`);
    const scores = new Map(
      (body as { username: string; score: number }[]).map((row) => [row.username, row.score]),
    );
    return players.every((player) => scores.get(player.name) === player.acknowledged()) || undefined;
  });
  expect((await stack.cli(['verify'])).code).toBe(0);
});
