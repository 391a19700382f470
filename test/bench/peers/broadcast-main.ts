/**
 * What the fan-out is compared with, each as its documentation says to broadcast: bare uWebSockets.js (the ceiling), ws with
 * the frame's bytes made once, and Socket.IO's emit to everybody. All without compression, over WebSocket alone.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { WebSocket, WebSocketServer } from 'ws';
import { listenExclusively, loadUws } from '../../../services/shared/http/uws.ts';
import { answerCalls } from '../processes/calls.ts';
import type { BroadcastKind } from './broadcast-kinds.ts';

export type BroadcastCalls = {
  start: (input: { kind: BroadcastKind }) => { port: number; path: string };
  publish: (input: { frame: string | Uint8Array }) => void;
};

interface Broadcaster {
  port: number;
  path: string;
  /** A text frame, or bytes for a binary one. */
  publish(frame: string | Uint8Array): void;
}

const TOPIC = 'board';
/** No heartbeats within a run. */
const QUIET_MS = 600_000;

const KINDS: Readonly<Record<BroadcastKind, () => Promise<Broadcaster>>> = {
  async 'uWebSockets.js'() {
    const uws = await loadUws();
    const app = uws.App();
    app.ws('/live', { idleTimeout: 0, open: (socket) => void socket.subscribe(TOPIC) });
    const listener = await listenExclusively(app, '127.0.0.1', 0);
    return {
      port: uws.us_socket_local_port(listener),
      path: '/live',
      publish: (frame) => void app.publish(TOPIC, frame, typeof frame !== 'string', false),
    };
  },

  async ws() {
    const http = createServer();
    const server = new WebSocketServer({ server: http, perMessageDeflate: false });
    return {
      port: await listen(http),
      path: '/live',
      publish(frame) {
        const binary = typeof frame !== 'string';
        const bytes = binary ? frame : Buffer.from(frame);
        for (const socket of server.clients) {
          if (socket.readyState === WebSocket.OPEN) socket.send(bytes, { binary });
        }
      },
    };
  },

  async 'Socket.IO'() {
    const http = createServer();
    const server = new Server(http, {
      ...{ transports: ['websocket'], perMessageDeflate: false },
      pingInterval: QUIET_MS,
      serveClient: false,
    });
    return {
      port: await listen(http),
      path: '/socket.io/?EIO=4&transport=websocket',
      publish: (frame) =>
        void server.emit('score:update', typeof frame === 'string' ? JSON.parse(frame) : frame),
    };
  },
};

function listen(http: ReturnType<typeof createServer>): Promise<number> {
  // The default backlog would refuse a crowd that arrives at once.
  return new Promise((resolve) => {
    http.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
      resolve((http.address() as AddressInfo).port),
    );
  });
}

let broadcaster: Broadcaster | undefined;
const due: (string | Uint8Array)[] = [];

/** One board a turn: two sent in one turn would leave in one write, and count twice at the price of one. */
function publishNext(): void {
  const frame = due.shift();
  if (frame === undefined) return;
  broadcaster?.publish(frame);
  if (due.length > 0) setImmediate(publishNext);
}

answerCalls<BroadcastCalls>({
  async start({ kind }) {
    broadcaster = await KINDS[kind]();
    const { port, path } = broadcaster;
    return { port, path };
  },
  async publish({ frame }) {
    due.push(frame);
    if (due.length === 1) setImmediate(publishNext);
  },
});
