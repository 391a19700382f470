/**
 * A TCP proxy that fails in the ways that a real network fails: it delays, slows or holds back the bytes of a connection,
 * and never leaves bytes out of one that goes on. A connection of which bytes were dropped is reset when the mode changes.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { ProxiedConnection } from './proxied-connection.ts';
import { CurrentMode, PASS, type ProxyMode } from './proxy-mode.ts';

export type { ProxyMode } from './proxy-mode.ts';

export type FaultProxy = Awaited<ReturnType<typeof startProxy>>;

export async function startProxy(target: { host: string; port: number }) {
  const mode = new CurrentMode();
  const connections = new Set<ProxiedConnection>();
  /** Clients of `half-open`, which never get an answer. */
  const abandoned = new Set<Socket>();
  let accepted = 0;

  function abandon(client: Socket): void {
    abandoned.add(client);
    client.on('close', () => abandoned.delete(client));
    client.on('error', ignoreReset);
    client.resume();
  }

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    accepted += 1;
    client.setNoDelay(true);
    if (mode.value.kind === 'reset') return client.resetAndDestroy();
    if (mode.value.kind === 'half-open') return abandon(client);
    const server = connect({ ...target, allowHalfOpen: true, noDelay: true });
    const connection = new ProxiedConnection(client, server, mode, () => connections.delete(connection));
    connections.add(connection);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  return {
    port: (listener.address() as AddressInfo).port,
    get mode() {
      return mode.value;
    },
    /** The number of connections that are open on the client's side. */
    get connections() {
      return connections.size + abandoned.size;
    },
    /** The number of connections accepted so far. */
    get accepted() {
      return accepted;
    },
    setMode(next: ProxyMode) {
      for (const connection of [...connections]) {
        if (connection.isLossy || next.kind === 'reset') connection.reset();
        else if (next.kind === 'half-open') abandon(connection.leaveClient());
      }
      mode.set(next);
    },
    async stop() {
      mode.set(PASS);
      const closed = once(listener, 'close');
      listener.close();
      for (const connection of [...connections]) connection.reset();
      for (const client of abandoned) client.destroy();
      await closed;
    },
  };
}

/** The client may close its end in any way. */
function ignoreReset(): void {}
