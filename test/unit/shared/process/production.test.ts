import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { assertProductionSettings } from '../../../../services/shared/process/production.ts';
import { parseMode } from '../../../../services/shared/settings/mode.ts';

const PASSWORD = 'sixteen-or-more.';
const GOOD = {
  SCOREBOARD_MODE: 'production',
  TLS_CERT_FILE: '/secrets/tls.crt',
  TLS_KEY_FILE: '/secrets/tls.key',
  TLS_CA_FILE: '/secrets/ca.crt',
  DATABASE_URL: `postgres://score:${PASSWORD}@postgres:5432/scoreboard`,
  REDIS_URL: 'redis://redis:6379',
  NATS_URL: `nats://score:${PASSWORD}@nats:4222`,
  ALLOWED_ORIGINS: 'https://play.example',
};
const dir = mkdtempSync(join(tmpdir(), 'scoreboard-production-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}
const SHORT_FILE = file('password', 'changeme\n');
const SHORT_URL_FILE = file('url', 'postgres://scoreboard:scoreboard@db/x\n');
const BAD: [string, Record<string, string>, RegExp][] = [
  ['no certificate', { TLS_CERT_FILE: '' }, /set TLS_CERT_FILE: .*npm run cli -- certs/],
  ['no key for it', { TLS_KEY_FILE: '' }, /set TLS_KEY_FILE/],
  ['nobody to believe', { TLS_CA_FILE: '' }, /set TLS_CA_FILE/],
  ['a service key', { SERVICE_KEY: 'edge.x' }, /unset SERVICE_KEY:/],
  ['the file of a service key', { SERVICE_KEY_FILE: '/x' }, /unset SERVICE_KEY_FILE:/],
  ['digests of service keys', { SERVICE_DIGESTS_FILE: '/x' }, /unset SERVICE_DIGESTS_FILE:/],
  ['signatures that can be forged', { ALLOW_V0_SIGNATURES: 'true' }, /unset ALLOW_V0_SIGNATURES/],
  ['every page', { ALLOWED_ORIGINS: '*' }, /list each page in ALLOWED_ORIGINS/],
  ['every page of a scheme', { ALLOWED_ORIGINS: 'https://a.example,https://*' }, /ALLOWED_ORIGINS/],
  [
    'a password that everybody knows',
    { DATABASE_URL: 'postgres://scoreboard:scoreboard@db/x' },
    /at least 16 characters/,
  ],
  ['a short one for Redis', { REDIS_URL: 'redis://:changeme@redis' }, /give REDIS_URL a password/],
  ['a short one apart from the address', { REDIS_PASSWORD: 'changeme' }, /give REDIS_URL a password/],
  ['a short one in a file', { NATS_PASSWORD_FILE: SHORT_FILE }, /give NATS_URL a password/],
  [
    'an address in a file with a short one',
    { DATABASE_URL_FILE: SHORT_URL_FILE },
    /give DATABASE_URL a password/,
  ],
  ['a short one for NATS', { NATS_URL: 'nats://score:nats@nats' }, /give NATS_URL a password/],
];

describe('production', () => {
  it('starts with settings that are meant for it', () => {
    expect(() => assertProductionSettings(GOOD)).not.toThrow();
    expect(() => assertProductionSettings({ ...GOOD, ALLOWED_ORIGINS: '-' })).not.toThrow();
    const domain = { ...GOOD, ALLOWED_ORIGINS: 'https://*.play.example' };
    expect(() => assertProductionSettings(domain)).not.toThrow();
  });

  it.each(BAD)('refuses %s, and says what to do', (_, settings, line) => {
    expect(() => assertProductionSettings({ ...GOOD, ...settings })).toThrow(line);
  });

  it('says everything that is wrong at once, and no secret', () => {
    const env = {
      ...GOOD,
      ALLOW_V0_SIGNATURES: '1',
      SERVICE_KEY: 'edge.hidden',
      REDIS_URL: 'redis://:hidden@r',
    };
    let message = '';
    try {
      assertProductionSettings(env);
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/SERVICE_KEY.*ALLOW_V0_SIGNATURES.*REDIS_URL/);
    expect(message).not.toContain('hidden');
  });
});

describe('development', () => {
  it.each(BAD)('takes %s', (_, settings) => {
    expect(() => assertProductionSettings({ ...GOOD, ...settings, SCOREBOARD_MODE: '' })).not.toThrow();
  });

  it('is development by default, and one of two words', () => {
    expect(parseMode({})).toBe('development');
    expect(parseMode({ SCOREBOARD_MODE: 'production' })).toBe('production');
    expect(() => parseMode({ SCOREBOARD_MODE: 'prod' })).toThrow(
      'SCOREBOARD_MODE must be development or production, not "prod"',
    );
  });
});
