import { describe, expect, test } from 'vitest';
import { clientAddress } from '../../../../services/shared/net/client-address.ts';
import { parseNetworks } from '../../../../services/shared/net/networks.ts';

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
