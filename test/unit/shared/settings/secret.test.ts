import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { parseFanoutConfig } from '../../../../edge/fanout/config.ts';
import { parseEdgeConfig } from '../../../../edge/http/config.ts';
import { parseAuthConfig } from '../../../../services/auth/config.ts';
import { parseGameConfig } from '../../../../services/game/config.ts';
import { parseScoreConfig } from '../../../../services/score/config.ts';
import type { ServiceIdentity } from '../../../../services/shared/identity/service-identity.ts';
import { secret, secretUrl } from '../../../../services/shared/settings/env.ts';
import { Secret } from '../../../../services/shared/settings/secret.ts';
import { parseNatsAddresses } from '../../../../services/shared/stores/nats/nats-address.ts';
import { databaseUrl } from '../../../../services/shared/stores/postgres/database-url.ts';
import { connectRedis } from '../../../../services/shared/stores/redis/redis.ts';
import { createLog } from '../../../../services/shared/telemetry/log.ts';

const CANARY = 'canary7f3a';
const dir = mkdtempSync(join(tmpdir(), 'scoreboard-secret-'));
const file = (name: string, contents: string) => {
  writeFileSync(join(dir, name), contents);
  return join(dir, name);
};
afterAll(() => rmSync(dir, { recursive: true }));

const ENV = {
  DATABASE_URL: `postgres://player:${CANARY}@127.0.0.1:5432/scoreboard`,
  REDIS_URL: `redis://player:${CANARY}@127.0.0.1:6379`,
  NATS_URL: `nats://player:${CANARY}@127.0.0.1:4222`,
  SERVICE_KEY: `edge.${CANARY}`,
  AUDIT_KEY: `audit.${CANARY.padEnd(43, 'x')}`,
  SERVICE_DIGESTS_FILE: file('digests.json', '{}'),
};
const CONFIGS: Record<string, object> = {
  auth: parseAuthConfig(ENV),
  score: parseScoreConfig(ENV),
  edge: parseEdgeConfig(ENV),
  fanout: parseFanoutConfig(ENV),
  game: parseGameConfig(ENV),
};

/** What a log writes of these words. */
function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog('test', 'trace', { destination: { write: (line) => void lines.push(line) } }));
  return lines.join('');
}

/** Every way in which a value comes to be seen. */
function showings(value: unknown): string[] {
  const error = new Error('failed', { cause: value });
  return [
    inspect(value, { depth: null, showHidden: true, getters: true }),
    inspect(value, { depth: null, customInspect: false, showHidden: true }),
    inspect(error, { depth: null, showHidden: true }),
    format('%s %o %O %j', value, value, value, value),
    JSON.stringify(value),
    JSON.stringify(structuredClone(Object.entries(value as object).map(([name, held]) => [name, `${held}`]))),
    `${value} ${Object.values(value as object).join()}`,
    logged((log) => log.info({ value, error, err: error }, 'failed')),
    logged((log) => log.error(Object.assign(new Error('failed', { cause: error }), { config: value }))),
  ];
}

describe.each(Object.entries(CONFIGS))('the configuration of %s', (_, config) => {
  test('holds a secret, and shows none, however it is printed', () => {
    const { identity, ...settings } = config as { identity?: ServiceIdentity };
    const secrets = [...Object.values(settings), identity?.serviceKey].filter(
      (value) => value instanceof Secret,
    );
    expect(secrets.length).toBeGreaterThan(0);
    for (const held of secrets) expect(held.reveal()).toContain(CANARY);
    for (const shown of showings(config)) expect(shown).not.toContain(CANARY);
  });

  test('holds nothing from its secrets in plain text', () => {
    const { identity, ...settings } = config as { identity?: ServiceIdentity };
    const plain = [...Object.values(settings), ...Object.values(identity ?? {})].filter(
      (value) => !(value instanceof Secret),
    );
    expect(inspect(plain, { depth: null })).not.toContain(CANARY);
  });
});

describe('a secret', () => {
  test('prints as a mask and reveals the text on request', () => {
    const held = new Secret(CANARY);
    expect([`${held}`, String(held), JSON.stringify({ held }), inspect(held)]).toEqual([
      '[masked]',
      '[masked]',
      '{"held":"[masked]"}',
      '[masked]',
    ]);
    expect(Object.keys(held)).toEqual([]);
    expect(held.reveal()).toBe(CANARY);
  });

  test('is the same on each call', () => {
    const held = new Secret(CANARY);
    expect(Secret.of(held)).toBe(held);
    expect(Secret.of(CANARY).reveal()).toBe(CANARY);
  });

  test('comes from the environment or from a file, and neither may be missing or empty', () => {
    expect(secret({ SERVICE_KEY: 'a' }, 'SERVICE_KEY').reveal()).toBe('a');
    expect(secret({ SERVICE_KEY: 'a', SERVICE_KEY_FILE: file('key', ' b \n') }, 'SERVICE_KEY').reveal()).toBe(
      'b',
    );
    expect(() => secret({}, 'SERVICE_KEY')).toThrow('SERVICE_KEY or SERVICE_KEY_FILE must be set');
    expect(() => secret({ SERVICE_KEY: 'a', SERVICE_KEY_FILE: file('empty', '\n') }, 'SERVICE_KEY')).toThrow(
      'KEY_FILE names is empty',
    );
  });
});

describe('the address of a server', () => {
  test.each([
    'postgres://user:pass@127.0.0.1:5432/name?sslmode=require',
    'postgres://user:pa,ss@one:5432,two:5433/name',
    'nats://127.0.0.1:4222',
  ])('%s is taken as it is', (url) => {
    expect(secretUrl({ NATS_URL: url }, 'NATS_URL').reveal()).toBe(url);
  });

  test.each([`postgres://user:${CANARY}@host:port/name`, `redis://:${CANARY}@[::1`, `${CANARY} with spaces`])(
    'is refused by name, without a word of it, when it is none',
    (url) => {
      const refusal = (() => {
        try {
          return secretUrl({ NATS_URL: url }, 'NATS_URL');
        } catch (error) {
          return error;
        }
      })();
      expect(refusal).toBeInstanceOf(Error);
      expect(String(refusal)).toContain('URL must be an address');
      for (const shown of showings(refusal)) expect(shown).not.toContain(CANARY);
    },
  );

  test('that is none of Postgres is in neither the error nor the log', () => {
    const refusal = (() => {
      try {
        return databaseUrl({ DATABASE_URL: `postgres://user:${CANARY}@host:port/name` });
      } catch (error) {
        return error;
      }
    })();
    expect(String(refusal)).toContain('DATABASE_URL has a host that is not written as host:port');
    for (const shown of showings(refusal)) expect(shown).not.toContain(CANARY);
  });

  const log = createLog('test', 'silent');
  const address = (scheme: string) => `${scheme}://user:${CANARY}@host:port/name`;
  test.each([
    ['Redis', () => connectRedis({ url: address('redis'), connectionName: '', commandTimeoutMs: 1, log })],
  ])('that the library of %s can not read is not in the log either', async (_, open) => {
    const refusal: unknown = await (async () => open())().catch((error: unknown) => error);
    expect(inspect(refusal)).toContain(CANARY);
    const line = logged((to) => to.fatal({ err: refusal }, 'could not start'));
    expect(line).toContain('Invalid URL');
    expect(line).not.toContain(CANARY);
  });

  test('of NATS is not quoted by the error that refuses it', () => {
    const refusal = (() => {
      try {
        return parseNatsAddresses(address('nats'));
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toBeInstanceOf(Error);
    for (const shown of showings(refusal)) expect(shown).not.toContain(CANARY);
  });
});
