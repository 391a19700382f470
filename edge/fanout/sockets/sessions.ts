/** What happens on a socket between open and close: its first frame, its messages, its end. */

import { AppError, toAppError } from '../../../services/shared/errors/app-error.ts';
import { createAddressLimiter } from '../../../services/shared/net/address-limiter.ts';
import type { FanoutMetrics } from '../fanout-metrics.ts';
import { errorFrame, isBroadcast, pongFrame } from '../hub/frames.ts';
import type { Hub } from '../hub/hub.ts';
import { BAD_MESSAGES_ALLOWED, MESSAGE_BURST, MESSAGE_INTERVAL_MS, MESSAGES_PER_ADDRESS } from '../limits.ts';
import type { Admission } from './admission.ts';
import type { Authentication } from './authentication.ts';
import { boardNamedIn, type MessageFields, parseClientMessage, readMessage } from './client-messages.ts';
import { CLOSE } from './close-codes.ts';
import type { Connection, Socket } from './connection.ts';
import { spend } from './rate-limit.ts';

export interface SessionsOptions {
  hub: Hub;
  admission: Admission;
  authentication: Authentication;
  /** The board every socket watches from the start. */
  firstBoard: string;
  metrics: FanoutMetrics;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
}

export interface Sessions {
  open(connection: Connection, socket: Socket): void;
  /** `text` is undefined for a binary message. */
  onMessage(connection: Connection, text: string | undefined): void;
  /** A ping or pong frame: free of content, not of cost. */
  onControl(connection: Connection): void;
  onDropped(connection: Connection, message: ArrayBuffer, isBinary: boolean): void;
  onDrain(connection: Connection): void;
  onClose(connection: Connection, code: number): void;
  /** Open sockets. */
  readonly connections: ReadonlySet<Connection>;
}

/**
 * A topic that is never published. uWebSockets.js discards what is queued for a socket that leaves its last topic; as
 * long as a socket lives it does not leave this one.
 */
const PERMANENT_TOPIC = 'open';

const MESSAGES = { intervalMs: MESSAGE_INTERVAL_MS, burst: MESSAGE_BURST };

export function createSessions(options: SessionsOptions): Sessions {
  const { hub, admission, authentication, firstBoard, metrics, monotonicMs } = options;
  const connections = new Set<Connection>();

  const messages = createAddressLimiter(monotonicMs);
  const addressMayTalk = ({ share }: Connection) =>
    share === undefined || messages.spend(share.address, MESSAGES_PER_ADDRESS) === 0;

  /**
   * A socket that says too much is closed. When all of its address say too much, so is one that has just said something; one that was
   * quiet is refused alone, since others may be behind the same address, and a pong is in answer to us.
   */
  function hear(connection: Connection): 'heard' | 'refused' | 'closed' {
    const nowMs = Math.floor(monotonicMs());
    const wasQuiet = connection.bucketFullAtMs <= nowMs;
    const next = spend(MESSAGES, connection.bucketFullAtMs, nowMs);
    const isRefused = next !== undefined && !addressMayTalk(connection);
    if (next === undefined || (isRefused && !wasQuiet)) {
      connection.close(CLOSE.TOO_MANY_MESSAGES);
      return 'closed';
    }
    connection.bucketFullAtMs = next;
    return isRefused ? 'refused' : 'heard';
  }

  function handle(connection: Connection, fields: MessageFields): void {
    const message = parseClientMessage(fields);
    switch (message.type) {
      case 'subscribe':
        hub.join(connection, message.leaderboard, message.resume);
        break;
      case 'unsubscribe':
        hub.leave(connection, message.leaderboard);
        break;
      case 'authenticate':
        if (connection.verifying) throw new AppError('RATE_LIMITED');
        void authentication.begin(connection, message.token, { answer: true });
        break;
      case 'ping':
        connection.send(pongFrame(connection.identity?.userId));
    }
  }

  return {
    open(connection, socket) {
      const { handshake } = connection;
      connection.socket = socket;
      connection.handshake = undefined;
      connections.add(connection);
      metrics.opened.inc();
      socket.subscribe(PERMANENT_TOPIC);
      hub.join(connection, firstBoard, handshake?.resume);
      if (handshake?.token !== undefined) {
        void authentication.begin(connection, handshake.token, { answer: false });
      }
    },

    onMessage(connection, text) {
      const hearing = hear(connection);
      if (hearing === 'closed') return;
      let fields: MessageFields = {};
      try {
        fields = readMessage(text);
        if (hearing === 'refused') throw new AppError('RATE_LIMITED');
        handle(connection, fields);
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.kind === 'internal') throw thrown;
        connection.send(errorFrame(error, boardNamedIn(fields)));
        if (error.kind === 'invalid_argument') connection.badMessages += 1;
        if (connection.badMessages > BAD_MESSAGES_ALLOWED) connection.close(CLOSE.BAD_MESSAGES);
      }
    },

    onControl: (connection) => void hear(connection),

    onDropped(connection, message, isBinary) {
      // A pong that was dropped is no loss: the client that sends pings without reading has only itself to blame.
      if (isBroadcast(message, isBinary)) hub.onDropped(connection);
    },

    onDrain(connection) {
      if (connection.socket?.getBufferedAmount() === 0) hub.onDrained(connection);
    },

    onClose(connection, code) {
      connection.socket = undefined;
      connections.delete(connection);
      hub.forget(connection);
      authentication.forget(connection);
      admission.release(connection.share);
      metrics.onClosed(code);
    },

    connections,
  };
}
