import { describe, expect, test } from 'vitest';
import { parseGameConfig } from '../../../services/game/config.ts';
import { parseTokenPolicy } from '../../../services/shared/tokens/rules/token-policy.ts';

const NEEDED = { SERVICE_KEY: 'game.secret' };

describe('the configuration of the game server', () => {
  test('has defaults for everything but the service key', () => {
    const config = parseGameConfig(NEEDED);
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8082,
      adminHost: '127.0.0.1',
      adminPort: 9082,
      authAddress: '127.0.0.1:50051',
      allowedOrigins: { listed: ['http://localhost:8080', 'http://127.0.0.1:8080'] },
      tokenPolicy: { issuer: 'scoreboard', audience: 'scoreboard' },
      signIns: { perMinute: 30 },
    });
    expect(config.signIns.exempt.has('127.0.0.1')).toBe(true);
    expect(() => parseGameConfig({})).toThrow('SERVICE_KEY');
  });

  test('accepts the tokens that the edge and the fan-out accept', () => {
    const idp = { IDP_JWKS_URL: 'https://idp.example/keys', IDP_ISSUER: 'idp', IDP_AUDIENCE: 'us' };
    expect(parseGameConfig({ ...NEEDED, ...idp }).tokenPolicy).toEqual(parseTokenPolicy(idp));
  });

  test.each([
    ['ALLOWED_ORIGINS', '*'],
    ['GAME_PORT', '70000'],
    ['GAME_SIGN_INS_PER_MINUTE', '0'],
    ['GAME_SIGN_IN_EXEMPT', 'localhost'],
  ])('refuses %s = %s and names the setting', (name, value) => {
    expect(() => parseGameConfig({ ...NEEDED, [name]: value })).toThrow(name);
  });
});
