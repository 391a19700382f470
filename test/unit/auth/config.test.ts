import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseAuthConfig } from '../../../services/auth/config.ts';
import { Secret } from '../../../services/shared/settings/secret.ts';

const dir = mkdtempSync(join(tmpdir(), 'scoreboard-config-'));
const SERVICE_DIGESTS_FILE = join(dir, 'digests.json');
writeFileSync(SERVICE_DIGESTS_FILE, '{}');
afterAll(() => rmSync(dir, { recursive: true }));
const NEEDED = { DATABASE_URL: 'postgres://127.0.0.1/scoreboard', SERVICE_DIGESTS_FILE };

describe("the auth service's configuration", () => {
  test('needs a database and the digests of the services, and has a default for the rest', () => {
    expect(parseAuthConfig(NEEDED)).toEqual({
      host: '127.0.0.1',
      port: 50_051,
      adminHost: '127.0.0.1',
      adminPort: 51_051,
      databaseUrl: expect.any(Secret),
      databaseSchema: 'public',
      keysDir: join('.data', 'auth-keys'),
      tokenPolicy: { issuer: 'scoreboard', audience: 'scoreboard', outside: [] },
      tokenLifetimeS: 600,
      actionLifetimeS: 900,
      allowV0Signatures: false,
      isDeniedName: expect.any(Function),
      callers: { digests: {} },
      reflection: true,
    });
    expect(() => parseAuthConfig({ SERVICE_DIGESTS_FILE })).toThrow(
      'DATABASE_URL or DATABASE_URL_FILE must be set',
    );
  });

  test('tells tools of its methods in development alone', () => {
    expect(parseAuthConfig({ ...NEEDED, SCOREBOARD_MODE: 'production' }).reflection).toBe(false);
    expect(parseAuthConfig({ ...NEEDED, SCOREBOARD_MODE: 'development' }).reflection).toBe(true);
  });

  test('opens its port to other machines by INTERNAL_HOST alone', () => {
    expect(parseAuthConfig({ ...NEEDED, HOST: '0.0.0.0' }).host).toBe('127.0.0.1');
    expect(parseAuthConfig({ ...NEEDED, INTERNAL_HOST: '[::]' }).host).toBe('::');
  });

  test('keeps keys in the data folder by default', () => {
    expect(parseAuthConfig({ ...NEEDED, DATA_DIR: '/data' }).keysDir).toBe('/data/auth-keys');
    expect(parseAuthConfig({ ...NEEDED, DATA_DIR: '/data', AUTH_KEYS_DIR: '/keys' }).keysDir).toBe('/keys');
  });

  test.each([
    ['TOKEN_LIFETIME_S', '0'],
    ['TOKEN_LIFETIME_S', '3601'],
    ['ACTION_LIFETIME_S', '86401'],
    ['ACTION_LIFETIME_S', '15m'],
    ['ALLOW_V0_SIGNATURES', 'yes'],
  ])(
    'refuses %s=%s, since a key would not outlive what it signs or the meaning is unclear',
    (name, value) => {
      expect(() => parseAuthConfig({ ...NEEDED, [name]: value })).toThrow(name);
    },
  );
});
