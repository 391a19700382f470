/** `npm start` on the data of version 0.1: the database, the audit key and the signing keys that a stack of that version left. */
import { chmodSync, cpSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { authKeysDir, secretsDir } from '../../../services/shared/identity/stack-file.ts';
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';
import { type StackProcesses, startStackProcesses } from '../../support/processes/stack-processes.ts';
import { startTestPostgres } from '../../support/servers/test-postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

const LEFT = fileURLToPath(new URL('version-0.1/', import.meta.url));

interface Expected {
  /** Of the audit chain. */
  readonly head: string;
  /** Name and score of each entry, by board. */
  readonly boards: Readonly<Record<string, readonly { readonly username: string }[]>>;
  readonly places: readonly {
    readonly leaderboard: string;
    readonly user: string;
    readonly username: string;
    readonly score: number;
    readonly rank: number;
  }[];
  readonly actions: readonly {
    readonly leaderboard: string;
    readonly user: string;
    readonly actionId: string;
    readonly points: number;
    readonly newScore: number;
  }[];
}
const expected: Expected = JSON.parse(readFileSync(join(LEFT, 'expected.json'), 'utf8'));

let dataDir: string;
let stack: StackProcesses;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-upgrade-'));
  await restoreDatabase();
  await mkdir(secretsDir(dataDir), { recursive: true, mode: 0o700 });
  cpSync(join(LEFT, 'audit.key'), join(secretsDir(dataDir), 'audit.key'));
  cpSync(join(LEFT, 'auth-keys'), authKeysDir(dataDir), { recursive: true });
  for (const name of ['action-keys.json', 'token-keys.json', 'revocations.json'])
    chmodSync(join(authKeysDir(dataDir), name), 0o600);
  chmodSync(join(secretsDir(dataDir), 'audit.key'), 0o600);
  chmodSync(authKeysDir(dataDir), 0o700);
  stack = await startStackProcesses({ dataDir });
});

afterAll(async () => {
  await stack?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Fills the private Postgres in which `npm start` will look for its data. */
async function restoreDatabase(): Promise<void> {
  const server = await startTestPostgres({
    dataDir: join(dataDir, 'postgres'),
    secretsDir: secretsDir(dataDir),
  });
  const sql = connectPostgres({
    ...{ url: server.url, connections: 1, applicationName: 'test', statementTimeoutMs: 60_000 },
  });
  try {
    await sql.unsafe(readFileSync(join(LEFT, 'database.sql'), 'utf8')).simple();
  } finally {
    await sql.end();
    await server.stop();
  }
}

const ask = async (path: string, token?: string) => {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return (await fetch(`${stack.edgeUrl}/api/v1/scoreboard/${path}`, { headers })).json();
};

/** Resolves when the board is like this. */
const untilShown = (leaderboard: string, entries: readonly object[]) =>
  waitFor(
    async () =>
      JSON.stringify(await ask(`top?leaderboard=${leaderboard}`)) === JSON.stringify(entries) || undefined,
    { describe: `the board ${leaderboard}` },
  );

it('keeps a quarantine, which hides the player now', async () => {
  const { global = [] } = expected.boards;
  await untilShown(
    'global',
    global.filter(({ username }) => username !== 'eve'),
  );
  expect(await stack.submit('eve', 'e9', 1)).toMatchObject({ reason: 'PLAYER_QUARANTINED' });
  expect(await stack.cli(['release', 'eve'])).toMatchObject({ code: 0 });
});

it('shows the same boards', async () => {
  for (const [leaderboard, entries] of Object.entries(expected.boards))
    await untilShown(leaderboard, entries);
});

it.each(expected.places)('shows $user on board $leaderboard with the same rank', async (place) => {
  const { leaderboard, user, username, score, rank } = place;
  const token = await stack.token(user, username);
  expect(await ask(`me?leaderboard=${leaderboard}`, token)).toMatchObject({ username, score, rank });
});

it('delivers the batch that version 0.1 had committed and not delivered', async () => {
  await waitFor(async () =>
    (await stack.cli(['outbox', 'list'])).stdout.includes('0 pending, 0 dead') ? true : undefined,
  );
});

it('verifies every board and the audit chain, from the head that version 0.1 had', async () => {
  expect(await stack.cli(['verify'])).toMatchObject({ code: 0 });
  expect(await stack.cli(['audit', 'verify', '--head', expected.head])).toMatchObject({
    ...{ code: 0, stdout: expect.stringMatching(/^OK: .* 1 players erased/) },
  });
});

it.each(expected.actions)('answers a repeat of $actionId of $user with its first score', async (action) => {
  const { leaderboard, user, actionId, points, newScore } = action;
  expect(await stack.submit(user, actionId, points, leaderboard)).toMatchObject({ newScore });
});

it('keeps the limits of a board and the flags', async () => {
  expect(await stack.submit('gil', 'hit_9', 500, 'arena')).toMatchObject({ reason: 'POINTS_OVER_CAP' });
  expect((await stack.cli(['flags', 'list'])).stdout).toContain('arena\tgil\tPOINTS_OVER_CAP\t3\t');
  expect((await stack.cli(['audit', 'rejected', '--user', 'gil'])).stdout).toContain(
    '\tSIGNATURE_INVALID\t1\t',
  );
});

it('counts new scores, of old players and new ones, and seals them after the old chain', async () => {
  expect(await stack.submit('ada', 'a9', 10)).toEqual({ newScore: 360, rank: 2 });
  expect(await stack.submit('hal', 'h1', 1000)).toEqual({ newScore: 1000, rank: 1 });
  await waitFor(async () => {
    const { stdout } = await stack.cli(['audit', 'verify', '--head', expected.head]);
    return stdout.includes(' seal 17 actions') ? true : undefined;
  });
  expect(await stack.cli(['verify'])).toMatchObject({ code: 0 });
});
