/**
 * The connections of a public port: how many may be open, and how quickly one address may open more. uWebSockets.js reports the end
 * of a connection without its address, so an address is limited by rate, not by count. A connection without requests is closed
 * after ten seconds, so the idle connections of one address stay below its burst plus ten seconds of its rate. While more than
 * half of all places are taken, each answer closes its connection, so that a client can't keep one by an occasional request.
 */

import type { Rate } from '../rate/gcra.ts';
import { createAddressLimiter } from './address-limiter.ts';
import { type NetworkList, parseAddress, subscriberOf } from './networks.ts';

export interface ConnectionLimits {
  /** Most connections of this node. */
  readonly most: number;
  /** Rate of new connections of one address. */
  readonly perAddress: Rate;
}

export interface ConnectionsOptions {
  limits: ConnectionLimits;
  /** Whether an address may open any number: a load balancer, this host. */
  isExempt: NetworkList['has'];
  /** Called when a connection is refused: the node is full, or the address exceeds its rate. */
  onRefused: (reason: 'full' | 'address') => void;
  monotonicMs?: () => number;
}

export type Connections = ReturnType<typeof createConnections>;

export function createConnections(options: ConnectionsOptions) {
  const { limits, isExempt, onRefused, monotonicMs = () => performance.now() } = options;
  const crowdedFrom = limits.most / 2;
  const limiter = createAddressLimiter(monotonicMs);
  let open = 0;

  return {
    /** Counts an opened connection. False when it must be closed at once. */
    opened(peer: string): boolean {
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
    /** Counts a closed connection, also one that `opened` refused. */
    closed(): void {
      open -= 1;
    },
    /** Whether answers should close their connections. */
    get crowded(): boolean {
      return open > crowdedFrom;
    },
    get open(): number {
      return open;
    },
  };
}
