import { describe, expect, test } from 'vitest';
import { parseEdgeConfig } from '../../../../edge/http/config.ts';

const NEEDED = { REDIS_URL: 'redis://127.0.0.1:6379', SERVICE_KEY: 'edge.secret' };

describe('the configuration of an edge', () => {
  test('has defaults for everything but Redis and the service key', () => {
    const config = parseEdgeConfig(NEEDED);
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      adminPort: 9080,
      scoreAddress: '127.0.0.1:50052',
      authAddress: '127.0.0.1:50051',
      allowedOrigins: { listed: ['http://localhost:8080', 'http://127.0.0.1:8080'] },
      rates: { user: { perSecond: 100, burst: 500 }, address: { perSecond: 2_000, burst: 4_000 } },
      connections: { most: 19_000, perAddress: { perSecond: 200, burst: 2_000 } },
      publicNodes: { fanoutPort: 8081, gamePort: 8082 },
    });
    expect(config.rates.addressExempt.has('127.0.0.1')).toBe(true);
    expect(config.trustedProxies.has('127.0.0.1')).toBe(false);
    expect(() => parseEdgeConfig({ SERVICE_KEY: 'edge.secret' })).toThrow('REDIS_URL');
    expect(() => parseEdgeConfig({ REDIS_URL: 'redis://x' })).toThrow('SERVICE_KEY');
  });

  test.each([
    ['ALLOWED_ORIGINS', '*'],
    ['TRUSTED_PROXIES', 'proxy.example'],
    ['RATE_ADDRESS_EXEMPT', '10.0.0.0/64'],
    ['RATE_USER_PER_S', '0'],
    ['RATE_ADDRESS_BURST', 'many'],
    ['RATE_CONNECT_BURST', '0'],
    ['MAX_CONNECTIONS', '0'],
    ['FANOUT_PUBLIC_URL', 'https://live.example'],
    ['GAME_PUBLIC_URL', 'game.example'],
  ])('refuses %s=%s and names the setting', (name, value) => {
    expect(() => parseEdgeConfig({ ...NEEDED, [name]: value })).toThrow(name);
  });
});
