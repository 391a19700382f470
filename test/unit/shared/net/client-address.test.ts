import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  clientAddress,
  findClient,
  parseTrustedProxies,
} from '../../../../services/shared/net/client-address.ts';

const PROXY = '10.0.0.1';
const trusting = (header = 'any') =>
  parseTrustedProxies({ TRUSTED_PROXIES: '10.0.0.0/8', FORWARDED_HEADER: header });
const lookup = (headers: Readonly<Record<string, string>>) => (name: string) => headers[name] ?? '';
const from = (peer: string, headers: Readonly<Record<string, string>>, header?: string) =>
  clientAddress(peer, lookup(headers), trusting(header));

describe('X-Forwarded-For', () => {
  test.each([
    ['a stranger is believed nothing', '203.0.113.5', '192.0.2.1', '203.0.113.5'],
    ['a proxy of ours names its client', PROXY, '192.0.2.1', '192.0.2.1'],
    ['what the client wrote itself is further left', PROXY, '6.6.6.6, 192.0.2.1', '192.0.2.1'],
    ['a chain of our proxies is followed', PROXY, '6.6.6.6, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['an unknown hop ends the chain', PROXY, '192.0.2.1, unknown', PROXY],
    ['a zone is no address', PROXY, 'fe80::1%eth0', PROXY],
    ['no header leaves the proxy', PROXY, '', PROXY],
    ['a mapped proxy is the same proxy', '::ffff:10.0.0.1', '2001:db8::1', '2001:db8::1'],
    ['a port is no part of the address', PROXY, '203.0.113.9:51234', '203.0.113.9'],
    ['neither are brackets and a port', PROXY, '[2001:db8::1]:443', '2001:db8::1'],
    ['nor brackets alone', PROXY, '[2001:DB8::1]', '2001:db8::1'],
    ['nor quotes', PROXY, '"[2001:db8::1]:443"', '2001:db8::1'],
    ['a proxy of ours with a port is still ours', PROXY, '192.0.2.1:1, 10.0.0.2:443', '192.0.2.1'],
    ['brackets around IPv4 with a port are no address', PROXY, '[192.0.2.1:80]', PROXY],
    ['a port of six digits is none', PROXY, '192.0.2.1:123456', PROXY],
    ['octets with leading zeros are no address', PROXY, '192.000.002.001:80', PROXY],
  ])('%s', (_, peer, forwardedFor, expected) => {
    expect(from(peer, { 'x-forwarded-for': forwardedFor })).toBe(expected);
  });
});

describe('Forwarded', () => {
  test.each([
    ['names the client', 'for=192.0.2.43', '192.0.2.43'],
    ['names it in any case', 'For="[2001:DB8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['has other parameters', 'by=203.0.113.60;proto=https;for=192.0.2.60;host=play.example', '192.0.2.60'],
    ['is read from the right', 'for=6.6.6.6, for=192.0.2.1', '192.0.2.1'],
    ['follows our proxies', 'for=6.6.6.6, for=192.0.2.1;proto=https, for="10.0.0.2:80"', '192.0.2.1'],
    ['may have commas and semicolons in quotes', 'for=192.0.2.1;ext="a, b; for=6.6.6.6"', '192.0.2.1'],
    ['may have escaped quotes', 'for=192.0.2.1;ext="\\", for=6.6.6.6"', '192.0.2.1'],
    ['may hide the client', 'for=192.0.2.1, for=_hidden', PROXY],
    ['may hide the port', 'for="192.0.2.1:_a.b"', '192.0.2.1'],
    ['may not know it', 'for=unknown', PROXY],
    ['may have no client', 'proto=https', PROXY],
    ['can not be opened by a client that leaves a quote open', 'for="6.6.6.6, for=192.0.2.1', '192.0.2.1'],
    ['can not be opened by a trailing backslash', 'for="x\\", for=192.0.2.1', '192.0.2.1'],
  ])('%s', (_, forwarded, expected) => {
    expect(from(PROXY, { forwarded })).toBe(expected);
  });

  test('of a stranger is not believed', () => {
    expect(from('203.0.113.5', { forwarded: 'for=192.0.2.1' })).toBe('203.0.113.5');
  });

  test('gives the scheme and the host of the request that the client made', () => {
    const forwarded =
      'for=192.0.2.1;proto=https;host="play.example:8443", for=10.0.0.2;proto=http;host=inner';
    expect(findClient(PROXY, lookup({ forwarded }), trusting())).toEqual({
      address: '192.0.2.1',
      hop: { address: '192.0.2.1', proto: 'https', host: 'play.example:8443' },
    });
    expect(findClient('203.0.113.5', lookup({ forwarded }), trusting()).hop).toBeUndefined();
  });
});

describe('FORWARDED_HEADER', () => {
  const both = { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.2' };

  test.each([
    ['any', both, '192.0.2.1'],
    ['any', { forwarded: 'for=192.0.2.2' }, '192.0.2.2'],
    ['forwarded', both, '192.0.2.2'],
    ['Forwarded', { 'x-forwarded-for': '192.0.2.1' }, PROXY],
    ['x-forwarded-for', both, '192.0.2.1'],
    ['x-forwarded-for', { forwarded: 'for=192.0.2.2' }, PROXY],
  ])('%s decides which header is read: %j', (header, headers, expected) => {
    expect(from(PROXY, headers, header)).toBe(expected);
  });

  test('has no other value', () => {
    expect(() => trusting('x-real-ip')).toThrow(
      'FORWARDED_HEADER must be any, x-forwarded-for, forwarded, not "x-real-ip"',
    );
  });
});

describe('whatever a client writes', () => {
  const outside = fc.oneof(fc.ipV4(), fc.ipV6()).filter((address) => !trusting().has(address));
  const port = fc.option(fc.integer({ min: 0, max: 65_535 }));
  const isV6 = (address: string) => address.includes(':');
  /** As a proxy may write it: with or without a port, and brackets where RFC 7239 wants them. */
  const node = (address: string, at: number | null) => {
    const host = isV6(address) ? `[${address}]` : address;
    return at === null ? host : `${host}:${at}`;
  };
  const canonical = (address: string) => from(address, {});
  const forged = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('"', '\\', ',', ';', '=', 'for', '6.6.6.6', ' ', '[', ']', ':') }),
  );

  test('before it, the entry that our proxy added to X-Forwarded-For counts', () => {
    fc.assert(
      fc.property(forged, outside, port, (start, address, at) => {
        const headers = { 'x-forwarded-for': `${start}, ${node(address, at)}` };
        expect(from(PROXY, headers)).toBe(canonical(address));
      }),
    );
  });

  test('before it, the element that our proxy added to Forwarded counts', () => {
    fc.assert(
      fc.property(forged, outside, port, (start, address, at) => {
        const value = node(address, at);
        const headers = {
          forwarded: `${start}, for=${/[[:]/.test(value) ? `"${value}"` : value};proto=https`,
        };
        expect(from(PROXY, headers)).toBe(canonical(address));
      }),
    );
  });

  test('to us without a proxy, nothing of it counts', () => {
    fc.assert(
      fc.property(outside, forged, forged, (peer, list, forwarded) => {
        expect(from(peer, { 'x-forwarded-for': list, forwarded })).toBe(canonical(peer));
      }),
    );
  });

  test('the result is a canonical address', () => {
    fc.assert(
      fc.property(forged, fc.constantFrom('x-forwarded-for', 'forwarded'), (text, header) => {
        const address = from(PROXY, { [header]: text });
        expect(canonical(address)).toBe(address);
      }),
    );
  });
});
