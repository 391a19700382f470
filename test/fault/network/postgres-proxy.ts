/**
 * A proxy that speaks enough of Postgres' protocol to tell one message from the next. It can be told to cut the next
 * exchange of a client exactly after any of its messages: that one arrives, the one behind it never does.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface PostgresProxy {
  readonly port: number;
  /** Cuts the next exchange after its nth message, counted from 1 over both directions. */
  cutAfter(messages: number): void;
  /** The letters of the messages since the last call of `cutAfter`; those of the server begin with ~. */
  readonly seen: readonly string[];
  readonly hasCut: boolean;
  /** Open connections of the application. */
  readonly connections: number;
  stop(): Promise<void>;
}

interface Exchange {
  readonly client: Socket;
  readonly server: Socket;
  /** The connection is set up: what follows are statements. */
  isReady: boolean;
  isCut: boolean;
}

const LENGTH_BYTES = 4;
const TYPE_BYTES = 1;
const READY_FOR_QUERY = 'Z';

export interface PostgresProxyOptions {
  target: { host: string; port: number };
  /** Only connections whose start names this application are counted and cut. */
  applicationName: string;
}

export async function startPostgresProxy({
  target,
  applicationName,
}: PostgresProxyOptions): Promise<PostgresProxy> {
  const exchanges = new Set<Exchange>();
  let cutAfter = Number.POSITIVE_INFINITY;
  let seen: string[] = [];
  let hasCut = false;

  function cut(exchange: Exchange): void {
    exchange.isCut = true;
    hasCut = true;
    cutAfter = Number.POSITIVE_INFINITY;
    // What the server was sent it still works through; the client hears nothing more.
    exchange.server.end();
    exchange.server.resume();
    exchange.client.resetAndDestroy();
  }

  function forward(exchange: Exchange, destination: Socket, message: Buffer, letter: string): void {
    if (exchange.isCut) return;
    destination.write(message);
    if (!exchange.isReady) return;
    seen.push(letter);
    if (seen.length === cutAfter) cut(exchange);
  }

  const listener = createServer((client) => {
    const server = connect(target);
    const exchange: Exchange = { client, server, isReady: false, isCut: false };
    exchanges.add(exchange);
    let isOurs = false;
    const fromClient = splitMessages({ hasStart: true }, (message, letter) => {
      if (letter === '') isOurs = message.includes(applicationName);
      forward(exchange, server, message, letter.toUpperCase());
    });
    const fromServer = splitMessages({ hasStart: false }, (message, letter) => {
      forward(exchange, client, message, `~${letter}`);
      if (isOurs && letter === READY_FOR_QUERY) exchange.isReady = true;
    });
    client.on('data', fromClient);
    server.on('data', fromServer);
    const end = () => {
      exchanges.delete(exchange);
      client.destroy();
      if (!exchange.isCut) server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', end);
    client.on('close', end);
    server.on('close', end);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    cutAfter(messages) {
      cutAfter = messages;
      seen = [];
      hasCut = false;
    },
    get seen() {
      return seen;
    },
    get hasCut() {
      return hasCut;
    },
    get connections() {
      return [...exchanges].filter(({ isReady }) => isReady).length;
    },
    async stop() {
      const closed = once(listener, 'close');
      listener.close();
      for (const { client, server } of exchanges) {
        client.destroy();
        server.destroy();
      }
      await closed;
    },
  };
}

/** Gathers bytes into whole messages. A client's first has no type, only a length. */
function splitMessages(
  { hasStart }: { hasStart: boolean },
  onMessage: (message: Buffer, letter: string) => void,
) {
  let rest: Buffer = Buffer.alloc(0);
  let isStart = hasStart;
  return (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const typeBytes = isStart ? 0 : TYPE_BYTES;
      if (rest.length < typeBytes + LENGTH_BYTES) return;
      const size = typeBytes + rest.readUInt32BE(typeBytes);
      if (rest.length < size) return;
      const message = rest.subarray(0, size);
      rest = rest.subarray(size);
      onMessage(message, isStart ? '' : String.fromCharCode(message[0] ?? 0));
      isStart = false;
    }
  };
}
