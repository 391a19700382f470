/** The Redis that people have: with TLS, a private authority, users and passwords; and the one that is refused, a cluster. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkGivenStores } from '../../../dev/servers/given-stores.ts';
import { createServiceKey } from '../../../services/shared/identity/service-keys.ts';
import { connectRedis } from '../../../services/shared/stores/redis/redis.ts';
import { parseRedisUrl } from '../../../services/shared/stores/redis/redis-address.ts';
import { parseTlsFiles } from '../../../services/shared/stores/tls-files.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { createTestAuthority } from '../../support/access/certificates.ts';
import { startClusterRedis, startTlsRedis } from '../../support/neighbours/outside-redis.ts';
import { type OutsideServer, writeFiles } from '../../support/neighbours/outside-server.ts';
import { waitFor } from '../../support/wait-for.ts';

const PASSWORD = 'p/a:s@s%w?ö#rd';
let dir: string;
let ca: string;
let certificate: Record<string, string>;
let redis: OutsideServer;
let asking: OutsideServer;
let cluster: OutsideServer;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-redis-'));
  const authority = await createTestAuthority();
  const own = await authority.issue([{ type: 'dns', value: 'rank' }]);
  const files = await writeFiles(dir, { 'ca.pem': authority.ca, 'rank.crt': own.cert, 'rank.key': own.key });
  ca = files['ca.pem'];
  certificate = { REDIS_CERT_FILE: files['rank.crt'], REDIS_KEY_FILE: files['rank.key'] };
  const access = { user: 'board', password: PASSWORD };
  [redis, asking, cluster] = await Promise.all([
    startTlsRedis(join(dir, 'tls'), authority, access),
    startTlsRedis(join(dir, 'asking'), authority, { ...access, asksForCertificate: true }),
    startClusterRedis(join(dir, 'cluster')),
  ]);
});

afterAll(async () => {
  await Promise.all([redis, asking, cluster].map((server) => server?.stop()));
  await rm(dir, { recursive: true, force: true });
});

const login = `board:${encodeURIComponent(PASSWORD)}`;

/** What a start with these settings is told; undefined if it is let in. */
const check = (url: string, env: Record<string, string> = {}) =>
  checkGivenStores({ redisUrl: url, natsUrl: undefined, env }).then(
    () => undefined,
    (error: Error) => error.message,
  );

describe('a Redis with TLS, a user and a password', () => {
  test('is used with its certificate authority', async () => {
    const env = { REDIS_URL: `rediss://${login}@127.0.0.1:${redis.port}/1`, REDIS_CA_FILE: ca };
    const client = connectRedis({
      ...{ url: parseRedisUrl(env), tls: parseTlsFiles(env, 'REDIS'), connectionName: 'test' },
      ...{ commandTimeoutMs: 2_000, log: createSilentLog() },
    });
    await waitFor(() => client.status === 'ready' || undefined);
    await client.set('sb:x', '1');
    expect(await client.get('sb:x')).toBe('1');
    client.disconnect();
    expect(await check(env.REDIS_URL, env)).toBeUndefined();
    expect(await check(`rediss://${login}@localhost:${redis.port}`, { REDIS_CA_FILE: ca })).toBeUndefined();
  });

  test('is used with a certificate of ours, if it asks for one', async () => {
    const url = `rediss://${login}@127.0.0.1:${asking.port}`;
    expect(await check(url, { REDIS_CA_FILE: ca, ...certificate })).toBeUndefined();
    expect(await check(url, { REDIS_CA_FILE: ca })).toMatch(/REDIS_CERT_FILE/);
  });

  test.each([
    ['no authority', () => `rediss://${login}@127.0.0.1:${redis.port}`, {}, /not trusted .*REDIS_CA_FILE/],
    [
      'a wrong password',
      () => `rediss://board:wrong@127.0.0.1:${redis.port}`,
      'ca',
      /refuses our user.*WRONGPASS/,
    ],
    ['no password', () => `rediss://127.0.0.1:${redis.port}`, 'ca', /refuses our user.*NOAUTH/],
    ['no TLS', () => `redis://${login}@127.0.0.1:${redis.port}`, {}, /speaks TLS.*rediss:/],
  ])('is refused at the start with one line: %s', async (_, url, env, line) => {
    const told = await check(url(), env === 'ca' ? { REDIS_CA_FILE: ca } : {});
    expect(told).toMatch(line);
    expect(told).toMatch(new RegExp(`^Redis at rediss?://127.0.0.1:${redis.port}: `));
    expect(told).not.toMatch(/\n|wrong@|p%2Fa/);
  });

  test('ends a process that it refuses, with the line in its log', async () => {
    const node = spawn(process.execPath, ['edge/http/main.ts'], {
      env: {
        ...{ PATH: process.env.PATH ?? '', EDGE_PORT: '0', SERVICE_KEY: createServiceKey('edge') },
        REDIS_URL: `rediss://${login}@127.0.0.1:${redis.port}`,
      },
    });
    let words = '';
    node.stdout.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
    expect(await new Promise((resolve) => node.once('close', resolve))).toBe(1);
    expect(words).toContain('REDIS_CA_FILE');
  });
});

test('a Redis without TLS at an address with TLS is told as that', async () => {
  expect(await check(`rediss://127.0.0.1:${cluster.port}`, {})).toMatch(/does not speak TLS/);
});

test('a Redis Cluster is named and refused', async () => {
  expect(await check(`redis://127.0.0.1:${cluster.port}`)).toMatch(
    /^Redis is a Redis Cluster \(cluster_enabled:1\)/,
  );
});

test('a Redis that is away is done without', async () => {
  expect(await check('redis://127.0.0.1:1')).toBeUndefined();
});
