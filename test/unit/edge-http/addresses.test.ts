import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressShare,
  clientAddress,
  normalizeAddress,
  parseNetworks,
} from '../../../edge/http/addresses.ts';

describe('a list of networks', () => {
  const list = parseNetworks(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1']);

  test.each([
    ['10.0.0.0', true],
    ['10.255.255.255', true],
    ['11.0.0.0', false],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['2001:db8:ffff::1', true],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', true],
    ['2001:db9::1', false],
    ['::1', true],
    ['::2', false],
    ['nonsense', false],
    ['', false],
  ])('says of %s: %s, also when asked again', (address, expected) => {
    expect([list.has(address), list.has(address)]).toEqual([expected, expected]);
  });

  test.each([
    '10.0.0.0/33',
    '::/129',
    '10.0.0/8',
    '10.0.0.0/',
    '10.0.0.0/8/9',
    '10.0.0.0/-1',
    'fe80::1%eth0',
    'here',
  ])('is not made from "%s"', (network) => {
    expect(() => parseNetworks([network])).toThrow('is not a network');
  });

  test('of nothing has nobody', () => {
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

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['0000:0000:0000:0000:0000:ffff:7f00:0001', '127.0.0.1'],
  ['::FFFF:c000:207', '192.0.2.7'],
  ['2001:db8::1', '2001:db8::1'],
  ['::ffff:nonsense', '::ffff:nonsense'],
])('%s is spelled %s', (address, spelled) => {
  expect(normalizeAddress(address)).toBe(spelled);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
])('%s has the share of %s', (address, share) => {
  expect(addressShare(address)).toBe(share);
});

describe('the address of a client', () => {
  const proxies = parseNetworks(['10.0.0.0/8']);
  const of = (peer: string, forwardedFor: string) => clientAddress(peer, () => forwardedFor, proxies);

  test.each([
    ['a stranger is believed nothing', '203.0.113.5', '192.0.2.1', '203.0.113.5'],
    ['a proxy of ours names its client', '10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['what the client wrote itself stands further left', '10.0.0.1', '6.6.6.6, 192.0.2.1', '192.0.2.1'],
    ['a chain of our proxies is followed', '10.0.0.1', '6.6.6.6, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['what is no address ends the chain', '10.0.0.1', '192.0.2.1, unknown', '10.0.0.1'],
    ['a zone is no address', '10.0.0.1', 'fe80::1%eth0', '10.0.0.1'],
    ['no header leaves the proxy', '10.0.0.1', '', '10.0.0.1'],
    ['a mapped proxy is the same proxy', '::ffff:10.0.0.1', '2001:db8::1', '2001:db8::1'],
  ])('%s', (_, peer, forwardedFor, expected) => {
    expect(of(peer, forwardedFor)).toBe(expected);
  });
});
