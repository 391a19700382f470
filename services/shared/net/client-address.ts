/** Whose request it is: the peer's, or that of a client whom our own proxies name. */
import { type NetworkList, parseAddress } from './networks.ts';

/**
 * The peer, or what the nearest of our own proxies says. `forwardedFor` gives all lines of X-Forwarded-For as one list, in the
 * order of the lines: a proxy may add a line of its own. The list is read from the right, since everything left of the
 * first stranger is that stranger's own word.
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
