/**
 * The scoreboard as a library: import this module from any page and watch a board.
 *
 *     import { connectScoreboard } from 'https://scores.example/scoreboard-client.js';
 *     const link = connectScoreboard({
 *       url: 'wss://live.scores.example/live',
 *       onBoard: (board) => render(board.entries),
 *     });
 *     // later: link.close();
 *
 * With `token` the link also hears the player's own place. The page's origin must be on the server's list.
 */
import type { LinkOptions, NetworkPort } from './link-options.js';
import { ScoreboardLink } from './scoreboard-link.js';
import { openWebSocket } from './socket-port.js';

export type { Board, BoardEntry, Standing } from './frames.js';
export type { ConnectionState, ConnectionStatus, LinkOptions, TokenSource } from './link-options.js';
export { ScoreboardLink } from './scoreboard-link.js';

/** A laptop that wakes up, a phone that leaves a tunnel, a tab that is looked at again: look at the link at once. */
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

/** Starts at once; handlers are called from later turns of the event loop. */
export function connectScoreboard(options: LinkOptions): ScoreboardLink {
  return new ScoreboardLink(options, {
    open: openWebSocket,
    network: browserNetwork,
    random: Math.random,
  });
}
