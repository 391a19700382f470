import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseLocalConfig } from '../../../../dev/config.ts';
import { UNIT_NAMES } from '../../../../dev/site/local-config.ts';
import { unitEnvironment } from '../../../../dev/units/unit-environment.ts';
import { passwordFile, STORE_USERS, type Store } from '../../../../services/provision/store-passwords.ts';
import { SETTINGS, settingsOf } from '../../../../services/shared/settings/settings.ts';

/** Settings that no value of the operator may replace: addresses, ports, keys, and the host of the metrics. */
const DECIDED =
  /_PORT$|^(?:AUTH|SCORE|RANK)_ADDRESS$|^INTERNAL_SOCKET$|^(?:DATABASE|REDIS|NATS)_(?:URL|PASSWORD)|^TLS_|^SERVICE_|^AUDIT_KEY|^AUTH_KEYS_DIR$|^DATA_DIR$|^ADMIN_/;
/** How to reach a server of the operator. A private one asks for nothing of it. */
const ACCESS = /^(?:REDIS|NATS)_(?:CA|CERT|KEY)_FILE$|^NATS_CREDENTIALS$/;
const STORES = Object.keys(STORE_USERS) as Store[];
const servers = (ownUsers: boolean) => ({
  postgres: { url: 'postgres://owner:secret@db:5432/scoreboard?sslmode=require', ownUsers },
  redis: { url: 'redis://admin:secret@r:6379', ownUsers },
  nats: { url: 'nats://admin:secret@n:4222', ownUsers },
});
const environmentOf = (
  name: (typeof UNIT_NAMES)[number],
  env: Record<string, string> = {},
  { ownUsers = true }: { ownUsers?: boolean } = {},
) => unitEnvironment(name, parseLocalConfig({ DATA_DIR: '/data', ...env }), servers(ownUsers), 9);

describe('the environment of a process', () => {
  it.each(UNIT_NAMES)(
    'has the values of the operator for the settings that %s reads and the stack does not decide, and no other',
    (name) => {
      const operators = Object.fromEntries(
        [...Object.keys(SETTINGS), 'AWS_SECRET'].map((each) => [each, 'x']),
      );
      const config = { ...parseLocalConfig({ DATA_DIR: '/data' }), env: operators };
      const reads: string[] = settingsOf(name);
      for (const ownUsers of [true, false]) {
        const given = unitEnvironment(name, config, servers(ownUsers), 9);
        expect(Object.keys(given).filter((variable) => !reads.includes(variable))).toEqual([]);
        const passed = Object.keys(given).filter((variable) => given[variable] === 'x');
        expect(passed.filter((variable) => DECIDED.test(variable))).toEqual([]);
        const isLeftOut = (variable: string) => DECIDED.test(variable) || (ownUsers && ACCESS.test(variable));
        const others = reads.filter((variable) => !isLeftOut(variable) && variable in SETTINGS);
        expect(passed.sort()).toEqual(others.sort());
      }
    },
  );

  it('has the Unix sockets of the stack where there are some', () => {
    const config = parseLocalConfig({ DATA_DIR: '/data', INTERNAL_SOCKET: '/elsewhere' });
    const sockets = { auth: '/data/sockets/auth.sock', rank: '/data/sockets/rank.sock' };
    expect(unitEnvironment('rank', config, servers(true), 9, sockets)).toMatchObject({
      INTERNAL_SOCKET: '/data/sockets/rank.sock',
      RANK_PORT: '50053',
    });
    const edge = unitEnvironment('edge', config, servers(true), 9, sockets);
    expect(edge).toMatchObject({
      AUTH_ADDRESS: 'unix:/data/sockets/auth.sock',
      SCORE_ADDRESS: '127.0.0.1:50052',
    });
    expect(unitEnvironment('rank', config, servers(true), 9)).not.toHaveProperty('INTERNAL_SOCKET');
  });

  it('names the Unix socket of a private Postgres, as the own user of the process', () => {
    const config = parseLocalConfig({ DATA_DIR: '/data' });
    const { postgres, ...others } = servers(true);
    const socketUrl = 'postgres://owner:secret@%2Fdata%2Fpostgres%2Fcluster:5432/scoreboard';
    expect(
      unitEnvironment('rank', config, { postgres: { ...postgres, socketUrl }, ...others }, 9),
    ).toHaveProperty(
      'DATABASE_URL',
      'postgres://scoreboard_rank@%2Fdata%2Fpostgres%2Fcluster:5432/scoreboard',
    );
  });

  it('holds only the secrets of this process', () => {
    const edge = environmentOf('edge', { AUTH_KEYS_DIR: '/elsewhere', SERVICE_KEY: 'x', AWS_SECRET: 'y' });
    expect(edge).not.toHaveProperty('DATABASE_URL');
    expect(edge).not.toHaveProperty('AUTH_KEYS_DIR');
    expect(edge).not.toHaveProperty('SERVICE_KEY');
    expect(edge).not.toHaveProperty('AWS_SECRET');
    expect(edge).not.toHaveProperty('AUDIT_KEY_FILE');
    expect(edge.SERVICE_KEY_FILE).toBe('/data/secrets/edge.key');
    expect(environmentOf('auth')).not.toHaveProperty('SERVICE_KEY_FILE');
  });

  it('names the certificate of this process in production mode, and no service key', () => {
    for (const name of UNIT_NAMES) {
      const env = environmentOf(name, { SCOREBOARD_MODE: 'production', SERVICE_KEY: 'x' });
      expect(Object.keys(env).filter((variable) => variable.startsWith('SERVICE_'))).toEqual([]);
      expect(env).toMatchObject({
        SCOREBOARD_MODE: 'production',
        TLS_CERT_FILE: `/data/certificates/${name}/tls.crt`,
        TLS_KEY_FILE: `/data/certificates/${name}/tls.key`,
        TLS_CA_FILE: `/data/certificates/${name}/ca.crt`,
      });
      expect(environmentOf(name)).not.toHaveProperty('TLS_CERT_FILE');
    }
  });

  it('connects each process to each server as its own user, with its own password file', () => {
    expect(environmentOf('score')).toMatchObject({
      DATABASE_URL: 'postgres://scoreboard_score@db:5432/scoreboard?sslmode=require',
      DATABASE_PASSWORD_FILE: '/data/secrets/score.postgres',
      NATS_URL: 'nats://score@n:4222',
      NATS_PASSWORD_FILE: '/data/secrets/score.nats',
    });
    expect(environmentOf('score')).not.toHaveProperty('REDIS_URL');
    expect(environmentOf('rank')).toMatchObject({
      DATABASE_URL: 'postgres://scoreboard_rank@db:5432/scoreboard?sslmode=require',
      REDIS_URL: 'redis://rank@r:6379',
      REDIS_PASSWORD_FILE: '/data/secrets/rank.redis',
      NATS_URL: 'nats://rank@n:4222',
    });
    expect(environmentOf('auth').DATABASE_URL).toContain('//scoreboard_auth@');
    for (const name of UNIT_NAMES) {
      const values = Object.values(environmentOf(name));
      expect(values.filter((value) => value.includes('secret@'))).toEqual([]);
      const others = STORES.flatMap((store) =>
        STORE_USERS[store]
          .filter((user) => user !== name)
          .map((user) => passwordFile('/data/secrets', store, user)),
      );
      expect(values.filter((value) => others.includes(value))).toEqual([]);
    }
  });

  it('passes on the address of a given server unchanged', () => {
    const rank = environmentOf('rank', {}, { ownUsers: false });
    expect(rank).toMatchObject({ REDIS_URL: 'redis://admin:secret@r:6379' });
    expect(rank).not.toHaveProperty('REDIS_PASSWORD_FILE');
  });

  it('passes on the settings of the operator', () => {
    const env = { RATE_USER_PER_S: '5', LOG_LEVEL: 'debug', TOKEN_LIFETIME_S: '60' };
    expect(environmentOf('edge', env)).toMatchObject({ RATE_USER_PER_S: '5', LOG_LEVEL: 'debug' });
    expect(environmentOf('auth', env)).toMatchObject({ TOKEN_LIFETIME_S: '60', LOG_LEVEL: 'debug' });
    expect(environmentOf('score', env)).not.toHaveProperty('TOKEN_LIFETIME_S');
  });

  it('reaches processes that listen on every address by the loopback address of the same family', () => {
    expect(environmentOf('edge', { INTERNAL_HOST: '0.0.0.0' }).SCORE_ADDRESS).toBe('127.0.0.1:50052');
    expect(environmentOf('edge', { INTERNAL_HOST: '::' }).SCORE_ADDRESS).toBe('[::1]:50052');
    expect(environmentOf('score', { INTERNAL_HOST: '2001:db8::7' }).AUTH_ADDRESS).toBe('[2001:db8::7]:50051');
  });

  it('opens internal ports only by INTERNAL_HOST', () => {
    const open = environmentOf('edge', { HOST: '192.0.2.7' });
    expect(open).toMatchObject({ HOST: '192.0.2.7', SCORE_ADDRESS: '127.0.0.1:50052' });
    expect(open).not.toHaveProperty('INTERNAL_HOST');
    expect(environmentOf('auth', { INTERNAL_HOST: '::' })).toMatchObject({ INTERNAL_HOST: '::' });
  });
});

describe('the environment of npm start', () => {
  it('makes the data folder absolute', () => {
    expect(parseLocalConfig({ DATA_DIR: 'here' }).dataDir).toBe(join(process.cwd(), 'here'));
  });

  it('refuses two processes on one port, and names both variables', () => {
    expect(() => parseLocalConfig({ EDGE_PORT: '9000', GAME_PORT: '9000' })).toThrow(
      'EDGE_PORT and GAME_PORT are both 9000',
    );
  });

  it('refuses an invalid port', () => {
    expect(() => parseLocalConfig({ EDGE_PORT: 'web' })).toThrow(/^EDGE_PORT must be a whole number/);
  });
});
