import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseLocalConfig, UNIT_NAMES } from '../../../../dev/config.ts';
import { entryPath, UNITS, unitEnvironment } from '../../../../dev/units/units.ts';
import { passwordFile, STORE_USERS, type Store } from '../../../../services/provision/store-passwords.ts';

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
  it.each(UNIT_NAMES)('offers every variable that the configuration of %s reads', (name) => {
    const source = readFileSync(join(dirname(entryPath(UNITS[name].entry)), 'config.ts'), 'utf8');
    const policy = source.includes('parseTokenPolicy') ? ['TOKEN_ISSUER', 'IDP_ISSUER'] : [];
    const read = [...source.matchAll(/env, '([A-Z][A-Z0-9_]+)'/g)].map(([, variable]) => variable ?? '');
    const all = [...new Set([...read, ...policy])].filter((variable) => variable !== 'DATA_DIR');
    expect(all.length).toBeGreaterThan(3);
    const given = environmentOf(
      name,
      Object.fromEntries(
        all.map((variable, at) => [variable, variable.endsWith('HOST') ? 'localhost' : String(7000 + at)]),
      ),
    );
    // A secret comes as a file; the side door stays on the loopback address.
    const offered = all.filter(
      (variable) => variable in given || `${variable}_FILE` in given || variable === 'ADMIN_HOST',
    );
    expect(offered).toEqual(all);
  });

  it('holds the secrets of this process alone', () => {
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

  it('names each process at each server by a user of its own, whose password is in a file of its own', () => {
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

  it('passes the address of a server of the operator on as it is', () => {
    const rank = environmentOf('rank', {}, { ownUsers: false });
    expect(rank).toMatchObject({ REDIS_URL: 'redis://admin:secret@r:6379' });
    expect(rank).not.toHaveProperty('REDIS_PASSWORD_FILE');
  });

  it('passes the settings of the operator on', () => {
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

  it('opens internal ports by INTERNAL_HOST alone', () => {
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

  it('refuses two processes on one port, by the names of both variables', () => {
    expect(() => parseLocalConfig({ EDGE_PORT: '9000', GAME_PORT: '9000' })).toThrow(
      'EDGE_PORT and GAME_PORT are both 9000',
    );
  });

  it('refuses a port that is none', () => {
    expect(() => parseLocalConfig({ EDGE_PORT: 'web' })).toThrow(/^EDGE_PORT must be a whole number/);
  });
});
