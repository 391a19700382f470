/** The state of a connection in words. */
import type { ConnectionState } from '../client/link-options.js';
import { fill, type Words } from './words.js';

const timeFormat = new Intl.DateTimeFormat(undefined, {
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
});

/** The state in words and, unless it is live, when the board was last known to be fresh. */
export function describeConnection(
  state: ConnectionState,
  lastLiveMs: number | undefined,
  words: Words,
): string {
  const status = state.reason || words[state.status];
  if (state.status === 'live' || lastLiveMs === undefined) return status;
  return fill(words.asOf, { status, time: timeFormat.format(lastLiveMs) });
}
