import { beforeEach, describe, expect, test } from 'vitest';
import { type Connections, createConnections } from '../../../../services/shared/net/connections.ts';
import { parseNetworks } from '../../../../services/shared/net/networks.ts';

const OWN = parseNetworks(['10.0.0.0/8']);
let nowMs: number;
let refused: string[];
let connections: Connections;

beforeEach(() => {
  nowMs = 0;
  refused = [];
  connections = createConnections({
    limits: { most: 6, perAddress: { perSecond: 2, burst: 3 } },
    isExempt: OWN.has,
    onRefused: (reason) => refused.push(reason),
    monotonicMs: () => nowMs,
  });
});

/** Opens connections from these addresses and ends those that had to be closed, as the server does. */
function open(...addresses: readonly string[]): boolean[] {
  return addresses.map((address) => {
    const stays = connections.opened(address);
    if (!stays) connections.closed();
    return stays;
  });
}

describe('one address', () => {
  test('brings its burst and then its rate, and others are not held to that', () => {
    expect(open(...Array<string>(4).fill('192.0.2.1'))).toEqual([true, true, true, false]);
    expect(open('192.0.2.2')).toEqual([true]);
    nowMs += 500;
    expect(open('192.0.2.1', '192.0.2.1')).toEqual([true, false]);
    expect(refused).toEqual(['address', 'address']);
    expect(connections.open).toBe(5);
  });

  test('is the network of an IPv6 subscriber, the same in every spelling', () => {
    expect(open(...[1, 2, 3, 4].map((host) => `2001:db8:0:1::${host}`))).toEqual([true, true, true, false]);
    expect(open('2001:db8:0:2::1')).toEqual([true]);
    expect(open('192.0.2.1', '::ffff:192.0.2.1')).toEqual([true, true]);
  });

  test('and all networks of its IPv6 site bring what four addresses may', () => {
    const networks = Array.from({ length: 20 }, (_, network) => `2001:db8:0:${network.toString(16)}::1`);
    connections = createConnections({
      limits: { most: 100, perAddress: { perSecond: 2, burst: 3 } },
      isExempt: OWN.has,
      onRefused: (reason) => refused.push(reason),
      monotonicMs: () => nowMs,
    });
    expect(open(...networks).filter(Boolean)).toHaveLength(12);
    expect(open('2001:db8:1::1')).toEqual([true]);
  });

  test('may open any number when it is one of our own', () => {
    expect(open(...Array<string>(6).fill('10.1.2.3'))).toEqual(Array(6).fill(true));
    expect(open('::ffff:10.1.2.3')).toEqual([false]);
  });
});

describe('all together', () => {
  test('are never more than the limit, and each that closes makes room', () => {
    const hosts = Array.from({ length: 7 }, (_, index) => `192.0.2.${index}`);
    expect(open(...hosts)).toEqual([...Array(6).fill(true), false]);
    expect(refused).toEqual(['full']);
    expect(connections.open).toBe(6);
    connections.closed();
    expect(open('192.0.2.8')).toEqual([true]);
  });

  test('end with their answers while more than half of them are open', () => {
    open('10.0.0.1', '10.0.0.2', '10.0.0.3');
    expect(connections.crowded).toBe(false);
    open('10.0.0.4');
    expect(connections.crowded).toBe(true);
    connections.closed();
    expect(connections.crowded).toBe(false);
  });
});
