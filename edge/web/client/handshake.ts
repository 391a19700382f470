/** What a link sends to open a socket: the address with the position to resume from, and the subprotocols with the token. */
import type { Board } from './frames.js';
import type { TokenSource } from './link-options.js';
import type { Refusal } from './reconnect.js';

const SUBPROTOCOL = 'scoreboard.v1';
/** The characters of a subprotocol. A browser throws on any other. */
const TOKEN = /^[A-Za-z0-9._~-]+$/;

/**
 * The address of the socket, also for `http:` and `https:`, to which relative addresses resolve. It has the position of the default
 * board, if one is known, so that the node sends the board only if it has a newer one.
 */
export function addressOf(url: string, known: Pick<Board, 'epoch' | 'seq'> | undefined): string {
  const address = new URL(url);
  // Older browsers open a socket at these two schemes only.
  address.protocol = address.protocol.replace(/^http/, 'ws');
  if (known !== undefined) {
    address.searchParams.set('epoch', String(known.epoch));
    address.searchParams.set('seq', String(known.seq));
  }
  return address.href;
}

export function subprotocolsFor(token: string | undefined): string[] {
  return token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, `bearer.${token}`];
}

/**
 * Asks for the player's token. Without a usable one the link watches anonymously for now, since that is better than not
 * watching. `onError` is told of a source that fails and of a token that no server would take, but not of `refused` again.
 */
export async function tokenFrom(
  source: TokenSource | string | undefined,
  refused: string | undefined,
  onError: (error: Refusal) => void,
): Promise<string | undefined> {
  try {
    const token = typeof source === 'function' ? await source({ refused }) : source;
    if (token === undefined || token === refused) return undefined;
    if (typeof token === 'string' && TOKEN.test(token)) return token;
    onError({ reason: 'TOKEN_INVALID', message: 'The token has characters that no token has.' });
  } catch (error) {
    onError({ reason: 'TOKEN_UNAVAILABLE', message: error instanceof Error ? error.message : String(error) });
  }
  return undefined;
}
