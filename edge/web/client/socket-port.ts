/** The only module that uses WebSocket. A socket is left without waiting for the peer, which may be gone. */

export interface SocketHandlers {
  opened(): void;
  received(text: string): void;
  closed(code: number, reason: string): void;
}

export interface SocketPort {
  /** Returns false if the socket is not open, so nothing was sent. */
  send(text: string): boolean;
  /** Closes without further events: a dead peer never answers the closing handshake. */
  leave(): void;
}

export type OpenSocket = (url: string, protocols: string[], handlers: SocketHandlers) => SocketPort;

/** A private code for "the client left"; servers only count it. */
const CLOSE_LEFT = 4000;
/** Reported by browsers for a connection that was refused or lost without a close frame. */
const CLOSE_ABNORMAL = 1006;

/** This browser refuses the address for good, such as `ws:` on a page of `https:`. In the range of refusals for good. */
const CLOSE_IMPOSSIBLE = 4499;

function create(url: string, protocols: string[]): WebSocket | Error {
  try {
    return new WebSocket(url, protocols);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A socket that never opens: it closes once its owner has it. */
function failed({ message }: Error, handlers: SocketHandlers): SocketPort {
  let isLeft = false;
  queueMicrotask(() => {
    if (!isLeft) handlers.closed(CLOSE_IMPOSSIBLE, message);
  });
  return {
    send: () => false,
    leave() {
      isLeft = true;
    },
  };
}

/** `protocols` may contain a token, which is never logged and which the server never echoes. */
export const openWebSocket: OpenSocket = (url, protocols, handlers) => {
  const socket = create(url, protocols);
  if (socket instanceof Error) return failed(socket, handlers);
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
    // An event that is on its way while its listener is removed may still arrive.
    if (heard.signal.aborted) return;
    heard.abort();
    handlers.closed(code, reason);
  };
  socket.addEventListener('close', ({ code, reason }) => closed(code, reason), options);
  // Browsers close after every error, with this code. Other runtimes may report only the error of a refused handshake.
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
