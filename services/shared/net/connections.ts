/**
 * The connections of a public port: how many there may be, and how quickly one address may bring more. uWebSockets.js
 * tells of the end of a connection but no longer whose it was, so an address is held to a rate, not to a count: a
 * connection that asks for nothing is ended after ten seconds, so what one address holds idle stays below its burst and
 * ten seconds of its rate. While more than half of all are open, each answer ends its connection, so that nobody keeps
 * the rest of them by asking now and then.
 */

import type { Rate } from '../rate/gcra.ts';
import { createAddressLimiter } from './address-limiter.ts';
import { type NetworkList, parseAddress, subscriberOf } from './networks.ts';

export interface ConnectionLimits {
  /** Connections of this node at most. */
  readonly most: number;
  /** New connections of one address. */
  readonly perAddress: Rate;
}

export interface Connections {
  /** Counts one that was opened; false when it has to be closed at once. */
  opened(address: string): boolean;
  /** Counts one that ended, also one that had to be closed at once. */
  closed(): void;
  /** Whether answers should end their connections. */
  readonly crowded: boolean;
  readonly open: number;
}

export interface ConnectionsOptions {
  limits: ConnectionLimits;
  /** Whether an address may bring any number: a load balancer, this host. */
  isExempt: NetworkList['has'];
  /** One was refused, since all are taken or since its address brings them too quickly. */
  onRefused: (reason: 'full' | 'address') => void;
  monotonicMs?: () => number;
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { limits, isExempt, onRefused, monotonicMs = () => performance.now() } = options;
  const crowdedFrom = limits.most / 2;
  const limiter = createAddressLimiter(monotonicMs);
  let open = 0;

  return {
    opened(peer) {
      open += 1;
      if (open > limits.most) {
        onRefused('full');
        return false;
      }
      const address = parseAddress(peer) ?? peer;
      if (isExempt(address) || limiter.spend(subscriberOf(address), limits.perAddress) === 0) return true;
      onRefused('address');
      return false;
    },
    closed() {
      open -= 1;
    },
    get crowded() {
      return open > crowdedFrom;
    },
    get open() {
      return open;
    },
  };
}
