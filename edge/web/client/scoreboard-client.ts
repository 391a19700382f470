/**
 * The client library: import this module from any page and watch a board.
 *
 *     import { connectScoreboard } from 'https://scores.example/scoreboard-client.js';
 *     const link = connectScoreboard({
 *       url: 'wss://live.scores.example/live',
 *       onBoard: (board) => render(board.entries),
 *     });
 *     // later: link.close();
 *
 * With `token` the link also receives the player's own place. The server must allow the page's origin.
 */
import type { LinkOptions, NetworkPort } from './link-options.js';
import { ScoreboardLink } from './scoreboard-link.js';
import { openWebSocket } from './socket-port.js';

export type { Board, BoardEntry, BoardSize, Overtaken, Standing } from './frames.js';
export type { ConnectionState, ConnectionStatus, LinkOptions, TokenSource } from './link-options.js';
export type { Refusal } from './reconnect.js';
export { ScoreboardLink } from './scoreboard-link.js';

/** Checks the link at once when a laptop wakes up, a phone leaves a tunnel, or a tab becomes visible. */
const browserNetwork: NetworkPort = {
  online: () => navigator.onLine,
  onWake(wake) {
    const seen = () => {
      if (document.visibilityState === 'visible') wake();
    };
    window.addEventListener('online', wake);
    document.addEventListener('visibilitychange', seen);
    return () => {
      window.removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', seen);
    };
  },
};

/** Connects at once. Callbacks run in later turns of the event loop. */
export function connectScoreboard(options: LinkOptions): ScoreboardLink {
  const url = new URL(options.url, document.baseURI).href;
  return new ScoreboardLink(
    { ...options, url },
    {
      open: openWebSocket,
      network: browserNetwork,
      random: Math.random,
    },
  );
}
