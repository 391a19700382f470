/** What is said about a connection: short, and true. */
import type { ConnectionState, ConnectionStatus } from './link-options.js';

export const STATUS_WORDS: Readonly<Record<ConnectionStatus, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  stale: 'Delayed',
  reconnecting: 'Reconnecting',
  offline: 'Offline',
  closed: 'Disconnected',
};

const timeFormat = new Intl.DateTimeFormat(undefined, {
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
});

/** The state in words and, when the board can't be vouched for now, when it last could. */
export function describeConnection(state: ConnectionState, lastLiveMs: number | undefined): string {
  const words = state.reason || STATUS_WORDS[state.status];
  if (state.status === 'live' || lastLiveMs === undefined) return words;
  return `${words} · as of ${timeFormat.format(lastLiveMs)}`;
}
