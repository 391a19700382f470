import { describe, expect, test } from 'vitest';
import { parseNetworks, plainAddress, subscriberOf } from '../../../services/game/networks.ts';

describe('a list of networks', () => {
  test('has what lies within, of either family', () => {
    const networks = parseNetworks(['127.0.0.0/8', '::1', '10.1.2.3', '2001:db8::/32']);
    for (const address of ['127.1.2.3', '::1', '10.1.2.3', '2001:db8:9::1']) {
      expect(networks.has(address)).toBe(true);
    }
    for (const address of ['128.0.0.1', '::2', '10.1.2.4', '2001:db9::', '', 'localhost']) {
      expect(networks.has(address)).toBe(false);
    }
  });

  test.each(['localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '', '::/129'])(
    'refuses "%s"',
    (network) => {
      expect(() => parseNetworks([network])).toThrow('is not a network');
    },
  );
});

describe('an address', () => {
  test('has one spelling when it arrives mapped into IPv6', () => {
    expect(plainAddress('::ffff:10.0.0.1')).toBe('10.0.0.1');
    expect(plainAddress('10.0.0.1')).toBe('10.0.0.1');
    expect(plainAddress('2001:db8::1')).toBe('2001:db8::1');
  });

  test('counts as its subscriber: one IPv4 address, or all of an IPv6 /64', () => {
    expect(subscriberOf('10.0.0.1')).toBe('10.0.0.1');
    expect(subscriberOf('2001:db8:1:2:3:4:5:6')).toBe(subscriberOf('2001:db8:1:2::9'));
    expect(subscriberOf('2001:db8:1:3::9')).not.toBe(subscriberOf('2001:db8:1:2::9'));
    expect(subscriberOf('2001:db8::1')).toBe(subscriberOf('2001:db8::2'));
  });
});
