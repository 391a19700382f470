/**
 * The connections of the public port, shared among addresses: one that opens them without end leaves room for all others. A
 * connection that sends a request before the last was answered is ended, so that a request is never more than one connection.
 */
import type { Socket } from 'node:net';
import { holdersOf, type NetworkList, parseAddress, subscriberOf } from '../../shared/net/networks.ts';
import { createShares } from '../../shared/net/shares.ts';

export interface Connections {
  /** Counts one that was opened until it has ended; ends it at once when its address has too many. */
  opened(socket: Socket): void;
  /** False when the connection asks before the last request was answered; then it was ended. */
  begins(socket: Socket): boolean;
  answered(socket: Socket): void;
}

export interface ConnectionsOptions {
  /** At most, of all addresses. */
  readonly most: number;
  /** Whether an address may bring any number: a proxy, this host. */
  readonly isExempt: NetworkList['has'];
}

export function createConnections({ most, isExempt }: ConnectionsOptions): Connections {
  const shares = createShares(most);
  const asking = new WeakSet<Socket>();
  return {
    opened(socket) {
      const address = parseAddress(socket.remoteAddress ?? '') ?? '';
      const giveBack = shares.take(isExempt(address) ? [] : holdersOf(subscriberOf(address)));
      if (giveBack === undefined) socket.destroy();
      else socket.once('close', giveBack);
    },
    begins(socket) {
      if (!asking.has(socket)) {
        asking.add(socket);
        return true;
      }
      socket.destroy();
      return false;
    },
    answered: (socket) => void asking.delete(socket),
  };
}
