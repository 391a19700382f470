/** Each service at each server: everything it has no business with is tried and refused, and all that it does goes on. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoreUser } from '../../../services/provision/store-passwords.ts';
import { connectNats } from '../../../services/shared/stores/nats/nats.ts';
import type { DatabaseService } from '../../../services/shared/stores/postgres/database-roles.ts';
import { connectPostgres, type Sql, sqlCode } from '../../../services/shared/stores/postgres/postgres.ts';
import { connectRedis, type RedisClient } from '../../../services/shared/stores/redis/redis.ts';
import { createSilentLog } from '../../../services/shared/telemetry/log.ts';
import {
  BUS_MAY_NOT,
  NOBODY_MAY,
  PROJECT_DIGEST,
  ROLE_MAY_NOT,
  USER_MAY_NOT,
} from '../../support/access/forbidden.ts';
import { ask, bearer, submit } from '../../support/clients/edge-client.ts';
import { openLive } from '../../support/clients/live-client.ts';
import { patient, ranked, rankedAnswer } from '../../support/clients/sent-again.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWholeWorld, type WholeWorld } from '../../support/worlds/whole-world.ts';

const log = createSilentLog();
const call = { limitMs: 30_000 };
const INSUFFICIENT_PRIVILEGE = '42501';

let world: WholeWorld;
const databases = new Map<DatabaseService, Sql>();
const redises = new Map<StoreUser<'redis'>, RedisClient>();
const buses = new Map<StoreUser<'nats'>, NatsConnection>();

beforeAll(async () => {
  world = await startWholeWorld({ each: 1 });
  for (const service of ['score', 'rank', 'auth'] as const) {
    const options = { connections: 1, applicationName: 'intruder', statementTimeoutMs: 30_000 };
    databases.set(service, connectPostgres({ url: world.databaseUrlAs(service), ...options }));
  }
  for (const user of ['rank', 'edge', 'loader', 'admin'] as const) {
    const options = { connectionName: 'intruder', commandTimeoutMs: 10_000, log };
    redises.set(user, connectRedis({ url: world.redisUrlAs(user), ...options }));
  }
  for (const user of ['score', 'rank', 'fanout', 'admin'] as const) {
    buses.set(user, await connectNats({ url: world.natsUrlAs(user), name: 'intruder', log }));
  }
  await waitFor(() => [...redises.values()].every(({ status }) => status === 'ready') || undefined);
});

afterAll(async () => {
  for (const bus of buses.values()) await bus.close();
  for (const redis of redises.values()) redis.disconnect();
  for (const sql of databases.values()) await sql.end();
  await world?.stop();
});

function of<Name, Client>(clients: ReadonlyMap<Name, Client>, name: Name): Client {
  const client = clients.get(name);
  if (client === undefined) throw new Error(`there is no client of ${String(name)}`);
  return client;
}

it('takes a score from the edge to the screen, each service by its own users alone', async () => {
  const [edge = '', fanout = ''] = [world.edgeUrls[0], world.fanoutUrls[0]];
  const viewer = await openLive(fanout);
  await viewer.frame(({ event }) => event === 'score:snapshot');
  const { accessToken } = await patient(world.authAs('cli')).issueToken({ userId: 'ada' }, call);
  const action = { userId: 'ada', actionId: 'a1', points: 100n };
  const { signature } = await patient(world.authAs('game')).signAction({ action }, call);
  const answer = await rankedAnswer(() =>
    submit(edge, accessToken, { actionId: 'a1', points: 100, signature }),
  );
  expect([answer.status, answer.body]).toEqual([200, { newScore: 100, rank: 1 }]);
  const frame = await viewer.frame(({ event, userId }) => event === 'score:update' && userId === 'ada');
  expect(frame).toMatchObject({ newScore: 100, stale: false });
  viewer.close();
  const me = await ask(`${edge}/api/v1/scoreboard/me`, { headers: bearer(accessToken) });
  expect(me.body).toMatchObject({ rank: 1 });
  await waitFor(async () => (await of(databases, 'score')`select from outbox`).length === 0 || undefined);
});

describe.each(['score', 'rank', 'auth'] as const)('in Postgres, %s', (service) => {
  it.each([...NOBODY_MAY, ...ROLE_MAY_NOT[service]])('may not: %s', async (statement) => {
    const code = await of(databases, service)
      .unsafe(statement)
      .then(() => 'it was done', sqlCode);
    expect(code).toBe(INSUFFICIENT_PRIVILEGE);
  });

  it('is limited in connections and time, and finds its own schema first', async () => {
    const [limits] = await of(databases, service)<Record<string, unknown>[]>`
      select rolconnlimit > 0 and rolconnlimit < current_setting('max_connections')::int as "isLimited",
             rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as "isMighty",
             current_setting('search_path') as search,
             current_setting('idle_in_transaction_session_timeout') as idle
      from pg_roles where rolname = current_user`;
    expect(limits).toEqual({ isLimited: true, isMighty: false, search: '"public", pg_temp', idle: '5s' });
  });
});

describe('in Redis,', () => {
  it.each(USER_MAY_NOT)('%s may not: %s %s %s', async (user, command, ...args) => {
    const answer = await of(redises, user)
      .call(command ?? '', ...args)
      .then(() => 'it was done', String);
    expect(answer).toMatch(/NOPERM|user executing the script can't run this command/);
  });

  it('who is nobody is turned away', async () => {
    const address = new URL(world.redisUrl);
    address.username = '';
    address.password = '';
    const stranger = connectRedis({
      ...{ url: address.href, connectionName: 'stranger', commandTimeoutMs: 10_000, log },
    });
    const [error] = await once(stranger, 'error').catch((reason: unknown) => [reason]);
    stranger.disconnect();
    expect(String(error)).toContain('NOAUTH');
  });

  it('scripts that were forgotten are brought back by the loader, beside a private Redis and in a process of its own', async () => {
    const admin = of(redises, 'admin');
    const flush = () => admin.script('FLUSH');
    const areLoaded = async () => ((await admin.script('EXISTS', PROJECT_DIGEST)) as number[])[0] === 1;
    await flush();
    await waitFor(async () => (await areLoaded()) || undefined);
    const keeper = spawn(process.execPath, ['services/provision/redis-scripts-main.ts'], {
      env: { PATH: process.env.PATH, REDIS_URL: world.redisUrlAs('loader') },
    });
    let output = '';
    keeper.stdout.on('data', (text) => (output += text));
    try {
      // Both look now and then: which of them is first is chance.
      await waitFor(async () => {
        if (await areLoaded()) await flush();
        return output.includes('scripts loaded') || undefined;
      });
    } finally {
      keeper.kill('SIGTERM');
    }
    expect(await once(keeper, 'exit')).toEqual([0, null]);
    await waitFor(async () => (await areLoaded()) || undefined);
    const submission = { userId: 'bob', actionId: 'b1', points: 7n };
    const accepted = await ranked(() => world.scoreAs('game').submitScore({ submission }, call));
    expect(accepted).toMatchObject({ rank: 2n });
  });
});

describe('on the bus,', () => {
  it.each(BUS_MAY_NOT)('%s has no right to a %s of %s', async (user, operation, subject) => {
    const bus = of(buses, user);
    const refused = refusalOf(bus, operation, subject);
    if (operation === 'publish') bus.publish(subject, new Uint8Array());
    else bus.subscribe(subject, { callback: () => {} });
    await refused;
  });

  it('nothing that was tried is in the stream, and the stream is as it was', async () => {
    const manager = await of(buses, 'admin').jetstreamManager();
    const { state, config } = await manager.streams.info('SCORES');
    expect(config.subjects).toEqual(['scores.*']);
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      const { data } = await manager.streams.getMessage('SCORES', { seq });
      // What was tried was empty.
      expect(data.length).toBeGreaterThan(0);
    }
    expect(await manager.streams.names().next()).toEqual(['SCORES']);
  });

  it('who is nobody is turned away', async () => {
    const address = new URL(world.natsUrl);
    address.password = 'guessed';
    await expect(connectNats({ url: address.href, name: 'stranger', log })).rejects.toThrow(/authorization/i);
  });
});

/** Resolves when the server has refused it. */
async function refusalOf(bus: NatsConnection, operation: string, subject: string): Promise<void> {
  for await (const { type, data, permissionContext } of bus.status()) {
    const tried = permissionContext ?? { operation: '', subject: '' };
    if (String(type) !== 'error' || tried.subject !== subject) continue;
    expect([data, tried.operation]).toEqual(['PERMISSIONS_VIOLATION', operation]);
    return;
  }
}
