/**
 * Players' own updates, for sockets with a token. Like boards they are conflated to the newest state a tick, and sent
 * after the boards, so that a personal frame repeats exactly the board that its socket has just been shown.
 */

import { BOARDS_PER_PLAYER, SOCKETS_PER_PLAYER } from '../limits.ts';
import type { Connection } from '../sockets/connection.ts';
import type { Channel } from './channel.ts';
import type { Frame } from './frame.ts';
import { type PlayerState, personalFrame } from './frames.ts';

export interface Personal {
  /** Begins to send the player's updates to the socket; false when the player has too many already. */
  add(userId: string, connection: Connection): boolean;
  remove(userId: string, connection: Connection): void;
  /** Takes the newest states; true when there is something to send. */
  offer(channel: Channel, states: readonly PlayerState[]): boolean;
  /** Sends what was offered since the last flush and returns the number of frames sent. */
  flush(): number;
  /** Sends again what a full buffer held back. */
  resend(userId: string, connection: Connection): void;
}

interface Latest {
  readonly channel: Channel;
  readonly connections: ReadonlySet<Connection>;
  state: PlayerState;
  waiting: boolean;
}

interface Player {
  readonly connections: Set<Connection>;
  readonly latest: Map<Channel, Latest>;
}

export function createPersonal(): Personal {
  const players = new Map<string, Player>();
  let waiting: Latest[] = [];

  function offerOne(channel: Channel, state: PlayerState): void {
    const player = players.get(state.userId);
    if (player === undefined || ![...player.connections].some((each) => each.channels.includes(channel)))
      return;
    const known = player.latest.get(channel);
    if (known !== undefined && state.version <= known.state.version) return;
    const latest = known ?? { channel, connections: player.connections, state, waiting: false };
    latest.state = state;
    player.latest.set(channel, latest);
    const [oldest] = player.latest.keys();
    if (player.latest.size > BOARDS_PER_PLAYER && oldest !== undefined) player.latest.delete(oldest);
    if (latest.waiting) return;
    latest.waiting = true;
    waiting.push(latest);
  }

  return {
    add(userId, connection) {
      const player = players.get(userId) ?? { connections: new Set(), latest: new Map() };
      if (player.connections.size >= SOCKETS_PER_PLAYER && !player.connections.has(connection)) return false;
      player.connections.add(connection);
      players.set(userId, player);
      return true;
    },

    remove(userId, connection) {
      const player = players.get(userId);
      player?.connections.delete(connection);
      if (player?.connections.size === 0) players.delete(userId);
    },

    offer(channel, states) {
      // Most nodes have few of the players of a batch, and most of the time none at all.
      if (players.size === 0) return waiting.length > 0;
      for (const state of states) offerOne(channel, state);
      return waiting.length > 0;
    },

    flush() {
      const due = waiting;
      waiting = [];
      let sent = 0;
      for (const latest of due) {
        const { published, publishedStale } = latest.channel;
        latest.waiting = false;
        if (published === undefined) continue;
        const frame = personalFrame(published, latest.state, publishedStale);
        for (const connection of latest.connections) sent += sendTo(connection, latest.channel, frame);
      }
      return sent;
    },

    resend(userId, connection) {
      connection.owesPersonal = false;
      for (const { channel, state } of players.get(userId)?.latest.values() ?? []) {
        if (channel.published === undefined) continue;
        sendTo(connection, channel, personalFrame(channel.published, state, channel.publishedStale));
      }
    },
  };
}

/** 1 when the frame went out. A socket that is behind gets it once it has caught up. */
function sendTo(connection: Connection, channel: Channel, frame: Frame): number {
  if (!connection.channels.includes(channel)) return 0;
  if (!connection.isBehind && connection.send(frame)) return 1;
  connection.owesPersonal = true;
  return 0;
}
