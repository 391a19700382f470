/** Whose request it is: the peer's, or that of a client whom our own proxies name. */
import { type NetworkList, parseAddress } from '../../services/shared/networks.ts';

/**
 * Who a request comes from: the peer, or what the nearest of our own proxies says. X-Forwarded-For is read from the
 * right, since everything left of the first stranger is that stranger's own word.
 */
export function clientAddress(peer: string, forwardedFor: () => string, trustedProxies: NetworkList): string {
  let nearest = parseAddress(peer) ?? peer;
  if (!trustedProxies.has(nearest)) return nearest;
  for (const hop of forwardedFor().split(',').reverse()) {
    const address = parseAddress(hop.trim());
    if (address === undefined) return nearest;
    nearest = address;
    if (!trustedProxies.has(address)) return nearest;
  }
  return nearest;
}
