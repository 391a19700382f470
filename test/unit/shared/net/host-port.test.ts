import { describe, expect, it } from 'vitest';
import {
  isLoopback,
  joinHostPort,
  parseHost,
  reachableHost,
} from '../../../../services/shared/net/host-port.ts';

describe('a host from the environment', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'localhost'],
    ['Scores.Example', 'scores.example'],
    ['::', '::'],
    ['[::1]', '::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['FE80::1', 'fe80::1'],
    ['', '127.0.0.1'],
  ])('"%s" is read as %s', (given, host) => {
    expect(parseHost({ HOST: given }, 'HOST')).toBe(host);
  });

  it.each(['localhost:80', 'http://x', 'a b', '[::', '1.2.3.256', 'x/y'])('"%s" is refused', (given) => {
    expect(() => parseHost({ HOST: given }, 'HOST')).toThrow('HOST must be a host name or an IP address');
  });
});

describe('an address', () => {
  it('has an IPv6 host in brackets', () => {
    expect(joinHostPort('::1', 50051)).toBe('[::1]:50051');
    expect(joinHostPort('127.0.0.1', 8080)).toBe('127.0.0.1:8080');
    expect(joinHostPort('localhost', 8080)).toBe('localhost:8080');
  });

  it('is the loopback address of the same family for a port that is bound to all addresses', () => {
    expect(['0.0.0.0', '::', '192.0.2.7'].map(reachableHost)).toEqual(['127.0.0.1', '::1', '192.0.2.7']);
  });
});

it('only loopback addresses are closed to other machines', () => {
  const hosts = [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    'localhost',
    '0.0.0.0',
    '::',
    '192.0.2.7',
    'scores.example',
  ];
  expect(hosts.filter(isLoopback)).toEqual(['127.0.0.1', '127.9.9.9', '::1', 'localhost']);
});
