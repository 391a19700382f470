/** The NATS that people have: clusters with a user at each server, TLS with a private authority, and credentials files. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkGivenStores } from '../../../dev/servers/given-stores.ts';
import { openBus } from '../../../services/shared/events/bus.ts';
import { systemClock } from '../../../services/shared/settings/clock.ts';
import { connectNats } from '../../../services/shared/stores/nats/nats.ts';
import { parseNatsAccess, parseNatsUrl } from '../../../services/shared/stores/nats/nats-address.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import { createTestAuthority } from '../../support/access/certificates.ts';
import {
  type NatsUser,
  startJwtNats,
  startNatsCluster,
  startPlainNats,
  startTlsNats,
} from '../../support/neighbours/outside-nats.ts';
import { type OutsideServer, writeFiles } from '../../support/neighbours/outside-server.ts';

const log = createSilentLog();
const ADA: NatsUser = { user: 'ada', password: 'p/a:s@s,w%rd' };
const BOB: NatsUser = { user: 'bob', password: 'another' };
const at = ({ port }: OutsideServer, { user, password }: NatsUser, scheme = 'nats://') =>
  `${scheme}${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
let dir: string;
let ca: Record<string, string>;
let certificate: Record<string, string>;
let cluster: readonly [OutsideServer, OutsideServer];
let tls: OutsideServer;
let plain: OutsideServer;
let jwt: OutsideServer;
let credentials: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoreboard-nats-'));
  const authority = await createTestAuthority();
  const own = await authority.issue([{ type: 'dns', value: 'score' }]);
  const started = await Promise.all([
    startNatsCluster(join(dir, 'cluster'), authority, [ADA, BOB]),
    startTlsNats(join(dir, 'tls'), authority, ADA),
    startPlainNats(join(dir, 'plain'), ADA),
    startJwtNats(join(dir, 'jwt')),
  ]);
  [cluster, tls, plain] = started;
  jwt = started[3].server;
  const files = await writeFiles(dir, {
    ...{ 'ca.pem': authority.ca, 'score.crt': own.cert, 'score.key': own.key },
    'score.creds': started[3].credentials,
  });
  ca = { NATS_CA_FILE: files['ca.pem'] };
  certificate = { NATS_CERT_FILE: files['score.crt'], NATS_KEY_FILE: files['score.key'] };
  credentials = files['score.creds'];
});

afterAll(async () => {
  await Promise.all([...(cluster ?? []), tls, plain, jwt].map((server) => server?.stop()));
  await rm(dir, { recursive: true, force: true });
});

const connect = (url: string, env: Record<string, string> = {}) =>
  connectNats({ url: parseNatsUrl({ NATS_URL: url }), ...parseNatsAccess(env), name: 'test', log });

/** What a start with these settings is told; undefined if it is let in. */
const check = (url: string, env: Record<string, string> = {}) =>
  checkGivenStores({ redisUrl: undefined, natsUrl: url, env }).then(
    () => undefined,
    (error: Error) => error.message,
  );

describe('a NATS with TLS and users', () => {
  test('is used with its authority, a certificate of ours and a password, by name and by number', async () => {
    for (const url of [
      at(tls, ADA, 'tls://'),
      at(tls, ADA),
      at(tls, ADA, '').replace('127.0.0.1', 'localhost'),
    ]) {
      expect(await check(url, { ...ca, ...certificate })).toBeUndefined();
    }
    const bus = await openBus({
      natsUrl: parseNatsUrl({ NATS_URL: at(tls, ADA, 'tls://') }),
      natsAccess: parseNatsAccess({ ...ca, ...certificate }),
      ...{ namespace: 'scoreboard', deployment: randomUUID(), name: 'test', keepsStream: true },
      ...{ clock: systemClock, log },
    });
    expect(bus.ready()).toBe(true);
    await bus.close();
  });

  test.each<[string, () => string, () => Record<string, string>, RegExp]>([
    ['no authority', () => at(tls, ADA, 'tls://'), () => certificate, /not trusted .*NATS_CA_FILE/],
    ['no certificate of ours', () => at(tls, ADA, 'tls://'), () => ca, /NATS_CERT_FILE/],
    [
      'a wrong password',
      () => at(tls, { ...ADA, password: 'wrong' }),
      () => ({ ...ca, ...certificate }),
      /refuses our user.*Authorization Violation/,
    ],
    ['no password', () => `nats://127.0.0.1:${plain.port}`, () => ({}), /refuses our user/],
    ['TLS where there is none', () => at(plain, ADA, 'tls://'), () => ({}), /offers no TLS/],
  ])('is refused at the start with one line: %s', async (_, url, env, line) => {
    const told = await check(url(), env());
    expect(told).toMatch(line);
    expect(told).toMatch(/^NATS at (nats|tls):\/\/127\.0\.0\.1:\d+: /);
    expect(told).not.toMatch(/\n|wrong|p%2Fa/);
  });
});

test('a NATS with accounts is used with a credentials file', async () => {
  const url = `nats://127.0.0.1:${jwt.port}`;
  const connection = await connect(url, { NATS_CREDENTIALS_FILE: credentials });
  expect(await connection.flush()).toBeUndefined();
  await connection.close();
  expect(await check(url)).toMatch(/refuses our user.*NATS_CREDENTIALS/);
});

test('a NATS that is away is done without', async () => {
  expect(await check('127.0.0.1:1')).toBeUndefined();
});

describe('a cluster', () => {
  test('lets us in if one of its servers does', async () => {
    const [first, second] = cluster;
    expect(await check(`${at(first, ADA)},${at(second, { ...BOB, password: 'wrong' })}`, ca)).toBeUndefined();
    expect(await check(`${at(first, { ...ADA, password: 'wrong' })},${at(second, BOB)}`, ca)).toBeUndefined();
    expect(await check(`${at(first, BOB)},${at(second, ADA)}`, ca)).toMatch(/refuses our user/);
  });

  test('with a user at each server is followed from one to the other', async () => {
    const [first, second] = cluster;
    const url = `${at(first, ADA)},${at(second, BOB)}`;
    const connection = await connect(url, ca);
    const used = connection.getServer().endsWith(`:${first.port}`) ? first : second;
    await used.stop();
    // The users of the connection make another when it is closed for good.
    await connection.closed();
    const another = await connect(url, ca);
    expect(another.getServer()).not.toBe(connection.getServer());
    await another.close();
  });
});
