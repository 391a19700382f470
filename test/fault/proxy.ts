/**
 * A TCP proxy that behaves as badly as it is told. What real networks can't do it does not do either: bytes of a connection
 * that goes on are held back or slowed, never left out, and a connection of which bytes were dropped ends at the latest
 * when the proxy is healed.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type ProxyMode =
  | { readonly kind: 'pass' }
  /** What the server says never arrives. */
  | { readonly kind: 'drop-replies' }
  /** Nothing arrives, in either direction, until healed. */
  | { readonly kind: 'blackhole' }
  /** What the client says does not arrive until healed; what the server says does. */
  | { readonly kind: 'one-way' }
  /** Every connection is reset at once, and so is every new one. */
  | { readonly kind: 'reset' }
  /** The server's ends are gone; the clients' stay open and silent, even after the healing. */
  | { readonly kind: 'half-open' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** Each connection is reset after so many bytes of the server's. */
  | { readonly kind: 'cut-after'; readonly bytes: number };

export interface FaultProxy {
  readonly port: number;
  readonly mode: ProxyMode;
  setMode(mode: ProxyMode): void;
  /** Connections that are open on the client's side. */
  readonly connections: number;
  /** Connections that ever came. */
  readonly accepted: number;
  stop(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes of the server's that were passed on. */
  repliedBytes: number;
  isLossy: boolean;
  /** Settles when everything that was delayed so far has been sent. */
  readonly delayed: Record<Direction, Promise<void>>;
}

type Direction = 'request' | 'reply';

const PASS: ProxyMode = { kind: 'pass' };

export async function startProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  /** Clients that nobody will ever answer. */
  const abandoned = new Set<Socket>();
  let accepted = 0;
  let mode: ProxyMode = PASS;
  let changed = Promise.withResolvers<void>();

  const isHeld = (direction: Direction) =>
    mode.kind === 'blackhole' || (mode.kind === 'one-way' && direction === 'request');

  function drop(pair: Pair): void {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
  }

  function abandon(client: Socket): void {
    abandoned.add(client);
    client.on('close', () => abandoned.delete(client));
    client.on('error', ignoreReset);
    client.resume();
  }

  async function pass(pair: Pair, destination: Socket, chunk: Buffer, direction: Direction): Promise<void> {
    while (isHeld(direction)) await changed.promise;
    if (mode.kind === 'drop-replies' && direction === 'reply') {
      pair.isLossy = true;
      return;
    }
    if (mode.kind === 'slow') await sleep((chunk.length / mode.bytesPerSecond) * 1000);
    if (mode.kind === 'cut-after' && direction === 'reply') {
      const room = Math.max(0, mode.bytes - pair.repliedBytes);
      if (chunk.length > room) {
        destination.write(chunk.subarray(0, room), () => drop(pair));
        return;
      }
    }
    if (direction === 'reply') pair.repliedBytes += chunk.length;
    if (mode.kind === 'delay') {
      const sent = Promise.all([pair.delayed[direction], sleep(mode.ms)]).then(() => {
        if (destination.writable) destination.write(chunk);
      });
      pair.delayed[direction] = sent;
      return;
    }
    // What is still on its way goes first.
    await pair.delayed[direction];
    if (!destination.write(chunk)) await once(destination, 'drain');
  }

  async function pump(pair: Pair, direction: Direction): Promise<void> {
    const [source, destination] =
      direction === 'request' ? [pair.client, pair.server] : [pair.server, pair.client];
    try {
      // An end that is left in the dark must not be destroyed when this loop is left.
      for await (const chunk of source.iterator({ destroyOnReturn: false })) {
        if (!pairs.has(pair)) return;
        await pass(pair, destination, chunk, direction);
      }
      while (isHeld(direction)) await changed.promise;
      await pair.delayed[direction];
      if (pairs.has(pair)) destination.end();
    } catch {
      // One side was reset: so is the other, unless this end is meant not to hear of it.
      if (pairs.has(pair)) drop(pair);
    }
  }

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    accepted += 1;
    client.setNoDelay(true);
    if (mode.kind === 'reset') return client.resetAndDestroy();
    if (mode.kind === 'half-open') return abandon(client);
    const server = connect({ ...target, allowHalfOpen: true, noDelay: true });
    const pair: Pair = {
      ...{ client, server, repliedBytes: 0, isLossy: false },
      delayed: { request: Promise.resolve(), reply: Promise.resolve() },
    };
    pairs.add(pair);
    for (const socket of [client, server]) socket.on('error', () => pairs.has(pair) && drop(pair));
    client.on('close', () => pairs.delete(pair) && server.destroy());
    void pump(pair, 'request');
    void pump(pair, 'reply');
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  return {
    port: (listener.address() as AddressInfo).port,
    get mode() {
      return mode;
    },
    get connections() {
      return pairs.size + abandoned.size;
    },
    get accepted() {
      return accepted;
    },
    setMode(next) {
      mode = next;
      for (const pair of [...pairs]) {
        if (pair.isLossy || next.kind === 'reset') drop(pair);
        else if (next.kind === 'half-open') {
          pairs.delete(pair);
          pair.server.destroy();
          abandon(pair.client);
        }
      }
      changed.resolve();
      changed = Promise.withResolvers();
    },
    async stop() {
      mode = PASS;
      changed.resolve();
      const closed = once(listener, 'close');
      listener.close();
      for (const pair of [...pairs]) drop(pair);
      for (const client of abandoned) client.destroy();
      await closed;
    },
  };
}

/** The client may give up in any way that it likes. */
function ignoreReset(): void {}
