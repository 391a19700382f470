/**
 * Shares the connections of the public port among addresses, so that a client that opens many leaves room for others. A
 * connection that sends a request before the last one was answered is closed: one connection is one request at a time.
 */
import type { Socket } from 'node:net';
import { holdersOf, type NetworkList, parseAddress, subscriberOf } from '../../shared/net/networks.ts';
import { createShares } from '../../shared/net/shares.ts';

export interface ConnectionsOptions {
  /** Most connections of all addresses together. */
  readonly most: number;
  /** Whether an address has no limit of its own: a proxy, this host. */
  readonly isExempt: NetworkList['has'];
}

export type Connections = ReturnType<typeof createConnections>;

export function createConnections({ most, isExempt }: ConnectionsOptions) {
  const shares = createShares(most);
  const busy = new WeakSet<Socket>();
  return {
    /** Counts a new connection until it closes; closes it at once if its address has too many. */
    opened(socket: Socket): void {
      const address = parseAddress(socket.remoteAddress ?? '') ?? '';
      const giveBack = shares.take(isExempt(address) ? [] : holdersOf(subscriberOf(address)));
      if (giveBack === undefined) socket.destroy();
      else socket.once('close', giveBack);
    },
    /** Marks the start of a request. Returns false, and closes the connection, if the last request is unanswered. */
    begins(socket: Socket): boolean {
      if (busy.has(socket)) {
        socket.destroy();
        return false;
      }
      busy.add(socket);
      return true;
    },
    answered(socket: Socket): void {
      busy.delete(socket);
    },
  };
}
