/** A socket port that a test plays the server for: chance, silence and order can't be had from a real one. */
import type { LinkPorts } from '../../../../../edge/web/client/link-options.ts';
import type { SocketHandlers } from '../../../../../edge/web/client/socket-port.ts';

export interface FakeSocket {
  readonly url: URL;
  readonly protocols: readonly string[];
  readonly sent: Record<string, unknown>[];
  readonly server: SocketHandlers;
  left: boolean;
}

export interface FakeWorld {
  readonly ports: LinkPorts;
  readonly sockets: FakeSocket[];
  online: boolean;
  wake(): void;
  /** The newest socket; asking before there is one is a mistake of the test. */
  socket(): FakeSocket;
}

export function createFakeWorld(random: () => number = () => 1): FakeWorld {
  const wakers = new Set<() => void>();
  const world: FakeWorld = {
    sockets: [],
    online: true,
    wake() {
      for (const wake of [...wakers]) wake();
    },
    socket() {
      const newest = world.sockets.at(-1);
      if (newest === undefined) throw new Error('nothing was opened');
      return newest;
    },
    ports: {
      random,
      network: {
        online: () => world.online,
        onWake(wake) {
          wakers.add(wake);
          return () => wakers.delete(wake);
        },
      },
      open: (url, protocols, handlers) => openFake(world, url, protocols, handlers),
    },
  };
  return world;
}

function openFake(world: FakeWorld, url: string, protocols: string[], handlers: SocketHandlers) {
  let open = false;
  const socket: FakeSocket = {
    url: new URL(url),
    protocols,
    sent: [],
    left: false,
    server: {
      opened() {
        open = true;
        if (!socket.left) handlers.opened();
      },
      received: (text) => {
        if (!socket.left) handlers.received(text);
      },
      closed(code, reason) {
        open = false;
        if (!socket.left) handlers.closed(code, reason);
      },
    },
  };
  world.sockets.push(socket);
  return {
    send(text: string) {
      if (open) socket.sent.push(JSON.parse(text));
      return open;
    },
    leave() {
      socket.left = true;
    },
  };
}
