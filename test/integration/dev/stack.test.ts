import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandLineOf, isRunning } from '../../../dev/host/process-table.ts';
import { startRedisServer } from '../../../dev/servers/redis-server.ts';
import { readStackFile, type StackFile } from '../../../services/shared/identity/stack-file.ts';
import { connectPostgres } from '../../../services/shared/stores/postgres/postgres.ts';
import { connectRedis } from '../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { secretsOf } from '../../support/access/stack-secrets.ts';
import {
  runStartToItsEnd,
  type StackProcesses,
  type StackProcessesOptions,
  stackEnvironment,
  startStackProcesses,
} from '../../support/processes/stack-processes.ts';
import { placeCluster, startTestPostgres } from '../../support/servers/test-postgres.ts';
import { waitFor } from '../../support/wait-for.ts';

let dataDir: string;
let running: StackProcesses[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'scoreboard-local-'));
});

afterEach(async () => {
  await Promise.all(running.map((stack) => stack.stop()));
  running = [];
  await rm(dataDir, { recursive: true, force: true });
});

async function start(options: StackProcessesOptions = {}): Promise<StackProcesses> {
  const stack = await startStackProcesses({ dataDir, ...options });
  running.push(stack);
  return stack;
}

const pidsOf = ({ pid, processes }: StackFile) => [
  pid,
  ...Object.values(processes).map((child) => child.pid),
];

describe('npm start', () => {
  it('accepts a score once it prints that it is ready, and leaves nothing behind when npm gets the signal', async () => {
    const stack = await start({ npm: true });
    expect(stack.output()).toContain(`scoreboard ready  http://localhost:${stack.env.EDGE_PORT}\n`);
    expect(await stack.submit('alice', 'a1', 100)).toEqual({ newScore: 100, rank: 1 });
    const pids = pidsOf(stack.stack());
    expect(pids).toHaveLength(10);
    expectOwnSecrets(stack);

    // A second start on the same data is refused, and does not disturb the first.
    const before = stack.stack();
    const { code, stderr } = await runStartToItsEnd({ ...stack.env, ...(await stackEnvironment()) });
    expect(code).toBe(1);
    expect(stderr).toContain(`a stack already runs in ${dataDir} (process ${before.pid})`);
    expect(stack.stack()).toEqual(before);
    expect(pids.every(isRunning)).toBe(true);

    expect(await stack.stop()).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(readStackFile(dataDir)).toBeUndefined();
  });

  it('continues with the data of the previous start, also of one whose supervisor was killed', async () => {
    await placeCluster(join(dataDir, 'postgres'));
    const first = await start({ npm: true });
    await first.submit('alice', 'a1', 100);
    const pids = pidsOf(first.stack());
    // As with Ctrl-C: npm and all below it get the signal.
    process.kill(-first.pid, 'SIGINT');
    expect(await first.stop('SIGINT')).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);

    const second = await start({ env: first.env });
    expect(await second.submit('alice', 'a1', 100)).toEqual({ newScore: 100, rank: 1 });
    expect(await second.submit('alice', 'a2', 11)).toEqual({ newScore: 111, rank: 1 });
    const leftovers = Object.values(second.stack().processes).map(({ pid }) => pid);
    await second.killHard();
    expect(leftovers.filter(isRunning)).toHaveLength(9);

    const third = await start({ env: first.env });
    expect(leftovers.filter(isRunning)).toEqual([]);
    expect(await third.submit('alice', 'a3', 11)).toEqual({ newScore: 122, rank: 1 });
  });
});

/** Each process has only its own secrets, which no other user can read. */
function expectOwnSecrets(stack: StackProcesses): void {
  const secrets = join(dataDir, 'secrets');
  const mode = (path: string) => statSync(path).mode & 0o777;
  expect(mode(secrets)).toBe(0o700);
  for (const name of readdirSync(secrets)) expect(mode(join(secrets, name))).toBe(0o600);
  expect(mode(join(dataDir, 'stack.json'))).toBe(0o600);
  expect(readFileSync(join(dataDir, 'stack.json'), 'utf8')).not.toMatch(/password|postgres:[^/]/);
  const { processes } = stack.stack();
  for (const [name, { pid }] of Object.entries(processes)) {
    const words = commandLineOf(pid).join(' ') + readFileSync(`/proc/${pid}/environ`, 'utf8');
    for (const [secret, value] of secretsOf(stack)) {
      const found = words.includes(value);
      expect([name, secret, found]).toEqual([name, secret, false]);
    }
  }
  const environment = readFileSync(`/proc/${processes.fanout?.pid}/environ`, 'utf8');
  expect(environment).toContain('/secrets/fanout.key');
  expect(environment).not.toMatch(/DATABASE_URL|AUTH_KEYS_DIR|DIGESTS/);
}

describe('a given database', () => {
  it.each([
    [
      'roles of their own, where its user may make some',
      'createrole',
      ['theirs_auth', 'theirs_rank', 'theirs_score'],
    ],
    ['the given user, where that may make none', '', ['theirs']],
  ])('is used by the services as %s', async (_, rights, expected) => {
    const postgres = await startTestPostgres({ dataDir: join(dataDir, 'outside-postgres') });
    const options = { connections: 1, applicationName: 'test', statementTimeoutMs: 30_000 };
    const sql = connectPostgres({ url: postgres.url, ...options });
    try {
      await sql.unsafe(`create role theirs login password 'given' ${rights}`);
      await sql.unsafe('create database theirs owner theirs');
      const stack = await start({
        env: { DATABASE_URL: `postgres://theirs:given@127.0.0.1:${postgres.port}/theirs` },
      });
      expect(await stack.submit('alice', 'a1', 100)).toEqual({ newScore: 100, rank: 1 });
      const users = await sql<{ name: string }[]>`
        select distinct usename as name from pg_stat_activity where datname = 'theirs' order by usename`;
      expect(users.map(({ name }) => name)).toEqual(expected);
      expect(stack.output().includes('no roles of their own')).toBe(rights === '');
      await stack.stop();
    } finally {
      await sql.end();
      await postgres.stop();
    }
  });
});

describe('a start that fails', () => {
  it('names the variable of a port that is in use, and starts nothing', async () => {
    const env: Record<string, string> = { ...(await stackEnvironment()), DATA_DIR: dataDir };
    const adminPort = Number(env.FANOUT_PORT) + 1_000;
    const strangers = [Number(env.EDGE_PORT), adminPort].map((port) =>
      createServer().listen(port, '127.0.0.1'),
    );
    const { code, stdout, stderr } = await runStartToItsEnd(env);
    for (const stranger of strangers) stranger.close();
    expect(code).toBe(1);
    expect(stderr).toContain(
      `port already in use: ${env.EDGE_PORT} (EDGE_PORT), ${adminPort} (FANOUT_PORT + 1000, the admin port of fanout);`,
    );
    expect(stderr.trim()).not.toContain('\n');
    expect(stdout).toBe('');
    expect(readStackFile(dataDir)).toBeUndefined();
  });

  it('prints the error of a process in one line, and ends the others', async () => {
    const env = { ...(await stackEnvironment()), DATA_DIR: dataDir, TOKEN_LIFETIME_S: 'soon' };
    const { code, stdout, stderr } = await runStartToItsEnd(env);
    expect(code).toBe(1);
    expect(stdout).toContain('auth: could not start: TOKEN_LIFETIME_S must be a whole number');
    expect(stderr).toMatch(/^npm start: auth did not start: it ended with exit code 1; see .*auth\.log\n$/);
    expect(readStackFile(dataDir)).toBeUndefined();
  });

  it('says why a given database cannot be used', async () => {
    const env = {
      ...(await stackEnvironment()),
      DATA_DIR: dataDir,
      DATABASE_URL: 'postgres://x:y@127.0.0.1:9/none',
    };
    const { code, stdout, stderr } = await runStartToItsEnd(env);
    expect(code).toBe(1);
    expect(`${stdout}${stderr}`).toContain('migrate: migration failed');
    expect(stderr).toContain('npm start: the database could not be migrated');
  });

  it('refuses a Redis that may evict keys or that refuses us, in one line that says how to fix it', async () => {
    const redis = await startRedisServer({ dataDir: join(dataDir, 'outside-redis') });
    try {
      const client = connectRedis({
        url: redis.url,
        connectionName: 'test',
        commandTimeoutMs: 10_000,
        log: createSilentLog(),
      });
      await waitFor(() => client.status === 'ready' || undefined);
      await client.config('SET', 'maxmemory', '50mb', 'maxmemory-policy', 'allkeys-lru');
      client.disconnect();
      const env = { ...(await stackEnvironment()), DATA_DIR: dataDir, REDIS_URL: redis.url };
      const evicting = await runStartToItsEnd(env);
      expect(evicting).toMatchObject({ code: 1, stdout: expect.not.stringContaining('ready') });
      expect(evicting.stderr).toMatch(
        /^npm start: Redis may evict keys .*redis-cli config set maxmemory-policy noeviction.*\n$/,
      );
      const wrong = new URL(redis.url);
      wrong.password = 'guessed';
      const refused = await runStartToItsEnd({ ...env, REDIS_URL: wrong.href });
      expect(refused).toMatchObject({ code: 1, stdout: expect.not.stringContaining('ready') });
      expect(refused.stderr).toMatch(/^npm start: Redis at redis:.*it refuses our user: .*WRONGPASS.*\n$/);
      expect(refused.stderr).not.toContain('guessed');
    } finally {
      await redis.stop();
    }
  });
});
