import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFanoutConfig } from '../../../../edge/fanout/config.ts';
import { parseEdgeConfig } from '../../../../edge/http/config.ts';
import { parseGameConfig } from '../../../../services/game/config.ts';
import {
  networks,
  parseAddress,
  parseNetworks,
  subscriberOf,
} from '../../../../services/shared/net/networks.ts';

describe('a list of networks', () => {
  const known = parseNetworks([
    ...['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1'],
    ...['::ffff:172.16.0.0/108', '::ffff:198.51.100.4'],
  ]);

  test.each([
    ['10.0.0.0', true],
    ['10.255.255.255', true],
    ['11.0.0.0', false],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['::ffff:192.0.2.7', true],
    ['2001:db8:ffff::1', true],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', true],
    ['2001:db9::1', false],
    ['::1', true],
    ['::2', false],
    ['172.31.255.255', true],
    ['172.32.0.0', false],
    ['198.51.100.4', true],
    ['nonsense', false],
    ['', false],
  ])('has %s: %s, also when asked again', (address, expected) => {
    expect([known.has(address), known.has(address)]).toEqual([expected, expected]);
  });

  test.each([
    ...[
      '10.0.0.0/',
      '10.0.0.0/33',
      '10.0.0.0/8/9',
      '10.0.0.0/-1',
      '10.0.0.0/08',
      '10.0.0.0/8.0',
      '10.0.0.0/ 8',
    ],
    ...['/8', '/', '', '10.0.0/8', '10', '0x0a.0.0.1', '010.0.0.0/8', '10.0.0.0 /8', '10.0.0.0/255.0.0.0'],
    ...[
      '::/129',
      '::/',
      '2001:db8::1%eth0',
      'fe80::1%eth0/64',
      '1:2:3',
      '::ffff:10.0.0.0/95',
      '::ffff:010.0.0.1',
    ],
    ...['here', 'localhost'],
  ])('is not made from "%s"', (entry) => {
    expect(() => parseNetworks(['10.0.0.0/8', entry])).toThrow(
      `the entry "${entry}", which is not a network`,
    );
  });

  test('of nothing has no address', () => {
    expect(parseNetworks([]).has('127.0.0.1')).toBe(false);
  });

  test('agrees with the arithmetic of prefixes', () => {
    const number = (octets: number[]) => octets.reduce((sum, octet) => sum * 256 + octet, 0);
    const octets = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(octets, octets, fc.integer({ min: 0, max: 32 }), (network, address, prefix) => {
        const size = 2 ** (32 - prefix);
        const within = Math.floor(number(network) / size) === Math.floor(number(address) / size);
        expect(parseNetworks([`${network.join('.')}/${prefix}`]).has(address.join('.'))).toBe(within);
      }),
    );
  });
});

describe('a setting with networks', () => {
  test('is named with the entry that is wrong', () => {
    const env = { TRUSTED_PROXIES: '192.0.2.7,10.0.0.0/' };
    expect(() => networks(env, 'TRUSTED_PROXIES')).toThrow(
      'TRUSTED_PROXIES has the entry "10.0.0.0/", which is not a network such as 10.0.0.0/8',
    );
  });

  const NEEDED = { REDIS_URL: 'redis://x', NATS_URL: 'nats://x', SERVICE_KEY: 'edge.secret' };
  test.each([
    ['TRUSTED_PROXIES', parseEdgeConfig, 'edge'],
    ['RATE_ADDRESS_EXEMPT', parseEdgeConfig, 'edge'],
    ['ADDRESS_LIMIT_EXEMPT', parseFanoutConfig, 'fanout'],
    ['GAME_SIGN_IN_EXEMPT', parseGameConfig, 'game'],
  ])('%s refuses 10.0.0.0/, which is not all addresses', (name, parse, unit) => {
    const env = { ...NEEDED, SERVICE_KEY: `${unit}.secret` };
    expect(() => parse({ ...env, [name]: '10.0.0.0/8' })).not.toThrow();
    expect(() => parse({ ...env, [name]: '10.0.0.0/' })).toThrow(`${name} has the entry "10.0.0.0/"`);
  });
});

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['0000:0000:0000:0000:0000:ffff:7f00:0001', '127.0.0.1'],
  ['::FFFF:c000:207', '192.0.2.7'],
  ['2001:0DB8::0001', '2001:db8::1'],
  ['::ffff:nonsense', undefined],
  ['fe80::1%eth0', undefined],
  ['127.1', undefined],
  [' 127.0.0.1', undefined],
  ['', undefined],
])('%s is spelled %s', (address, spelled) => {
  expect(parseAddress(address)).toBe(spelled);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
])('%s counts as %s', (address, subscriber) => {
  expect(subscriberOf(address)).toBe(subscriber);
});
