/** The one place that touches a WebSocket: opened with handlers, and left without waiting for a peer that may be gone. */

export interface SocketHandlers {
  opened(): void;
  received(text: string): void;
  closed(code: number, reason: string): void;
}

export interface SocketPort {
  /** False when the socket is not open, so nothing was sent. */
  send(text: string): boolean;
  /** Closes and hears nothing more: a dead peer never answers the closing handshake. */
  leave(): void;
}

export type OpenSocket = (url: string, protocols: string[], handlers: SocketHandlers) => SocketPort;

/** A code of the private range for "this client has had enough"; servers only count it. */
const CLOSE_LEFT = 4000;
/** What a browser reports for a connection that was refused or lost without a word. */
const CLOSE_ABNORMAL = 1006;

/** `protocols` may hold a token: it is never logged, and the server never echoes it. */
export const openWebSocket: OpenSocket = (url, protocols, handlers) => {
  const socket = new WebSocket(url, protocols);
  const heard = new AbortController();
  const options = { signal: heard.signal };
  socket.addEventListener('open', () => handlers.opened(), options);
  socket.addEventListener(
    'message',
    ({ data }) => {
      if (typeof data === 'string') handlers.received(data);
    },
    options,
  );
  const closed = (code: number, reason: string) => {
    heard.abort();
    handlers.closed(code, reason);
  };
  socket.addEventListener('close', ({ code, reason }) => closed(code, reason), options);
  // Browsers close after every error, with this code. Outside of them a refused handshake may end with the error alone.
  socket.addEventListener('error', () => closed(CLOSE_ABNORMAL, ''), options);
  return {
    send(text) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(text);
      return true;
    },
    leave() {
      heard.abort();
      socket.close(CLOSE_LEFT);
    },
  };
};
