/**
 * Players' own updates, for sockets with a token. Like boards they are conflated to the newest state of a tick. They are sent
 * after the boards, so that a personal frame repeats exactly the board that its socket already has.
 */
import type { PlayerState } from '../frames/board-state.ts';
import type { Frame } from '../frames/frame.ts';
import { personalFrame } from '../frames/frames.ts';
import type { Channel } from './channel.ts';
import type { Connection } from './connection.ts';
import { BOARDS_PER_PLAYER, SOCKETS_PER_PLAYER } from './limits.ts';

/** The newest state of a player on one board. */
interface Latest {
  readonly channel: Channel;
  readonly connections: ReadonlySet<Connection>;
  state: PlayerState;
  /** It is in the queue of the next flush. */
  queued: boolean;
  /** The last flush that sent it. */
  flushedIn: number;
}

interface Player {
  readonly connections: Set<Connection>;
  readonly latest: Map<Channel, Latest>;
}

export class Personal {
  readonly #players = new Map<string, Player>();
  #queue: Latest[] = [];
  #flushes = 0;

  /** The number of flushes so far. */
  get flushes(): number {
    return this.#flushes;
  }

  /** From now on the socket gets the player's updates. Returns false if the player already has too many sockets. */
  add(userId: string, connection: Connection): boolean {
    const player = this.#players.get(userId) ?? { connections: new Set(), latest: new Map() };
    if (player.connections.size >= SOCKETS_PER_PLAYER && !player.connections.has(connection)) return false;
    player.connections.add(connection);
    this.#players.set(userId, player);
    return true;
  }

  remove(userId: string, connection: Connection): void {
    const player = this.#players.get(userId);
    player?.connections.delete(connection);
    if (player?.connections.size === 0) this.#players.delete(userId);
  }

  /** Takes newer states of players with sockets here. Returns true if a flush has something to send. */
  offer(channel: Channel, states: readonly PlayerState[]): boolean {
    // Many nodes have no socket with a token; they skip the whole batch.
    if (this.#players.size > 0) for (const state of states) this.#offerOne(channel, state);
    return this.#queue.length > 0;
  }

  #offerOne(channel: Channel, state: PlayerState): void {
    const player = this.#players.get(state.userId);
    if (player === undefined || ![...player.connections].some(({ channels }) => channels.includes(channel)))
      return;
    const known = player.latest.get(channel);
    if (known !== undefined && state.version <= known.state.version) return;
    const latest = keep(player, channel, state);
    if (latest.queued) return;
    latest.queued = true;
    this.#queue.push(latest);
  }

  /**
   * Sends a state that was read for this socket, or the newest one if that is newer; nothing if a flush since `askedIn` sent it, or
   * the next one will.
   */
  welcome(connection: Connection, channel: Channel, state: PlayerState, askedIn: number): void {
    const player = this.#players.get(state.userId);
    const { published, publishedStale } = channel;
    if (published === undefined || player === undefined || !player.connections.has(connection)) return;
    const wasSent = (player.latest.get(channel)?.flushedIn ?? 0) > askedIn;
    const isKnown = state.version <= (player.latest.get(channel)?.state.version ?? -1);
    const latest = keep(player, channel, state);
    if (latest.queued || (wasSent && isKnown)) return;
    sendTo(connection, channel, personalFrame(published, latest.state, publishedStale));
  }

  /** Sends the states that were offered since the last flush. Returns the number of frames. */
  flush(): number {
    const due = this.#queue;
    this.#queue = [];
    this.#flushes += 1;
    let sent = 0;
    for (const latest of due) {
      const { published, publishedStale } = latest.channel;
      latest.queued = false;
      if (published === undefined) continue;
      latest.flushedIn = this.#flushes;
      const frame = personalFrame(published, latest.state, publishedStale);
      for (const connection of latest.connections) {
        if (sendTo(connection, latest.channel, frame)) sent += 1;
      }
    }
    return sent;
  }

  /** Sends the newest states again to a socket whose full buffer held them back. */
  resend(userId: string, connection: Connection): void {
    connection.owesPersonal = false;
    for (const { channel, state } of this.#players.get(userId)?.latest.values() ?? []) {
      const { published, publishedStale } = channel;
      if (published !== undefined)
        sendTo(connection, channel, personalFrame(published, state, publishedStale));
    }
  }
}

/** Remembers the state unless a newer one is known, and returns the newest. One of the same version may have a later rank. */
function keep(player: Player, channel: Channel, state: PlayerState): Latest {
  const known = player.latest.get(channel);
  if (known !== undefined && state.version < known.state.version) return known;
  const latest = known ?? { channel, connections: player.connections, state, queued: false, flushedIn: 0 };
  latest.state = state;
  player.latest.set(channel, latest);
  const [oldest] = player.latest.keys();
  if (player.latest.size > BOARDS_PER_PLAYER && oldest !== undefined) player.latest.delete(oldest);
  return latest;
}

/** Returns whether the frame was sent. A socket that watches the board and is behind gets it after it has caught up. */
function sendTo(connection: Connection, channel: Channel, frame: Frame): boolean {
  if (!connection.channels.includes(channel)) return false;
  if (connection.behind === undefined && connection.send(frame)) return true;
  connection.owesPersonal = true;
  return false;
}
