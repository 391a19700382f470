/** The states of players on a node, and sockets that watch boards. */
import { beforeEach, expect } from 'vitest';
import type { PlayerState } from '../../../../../edge/fanout/frames/board-state.ts';
import { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import { Personal } from '../../../../../edge/fanout/hub/personal.ts';
import { openSocket, type PlainSocket } from './plain-socket.ts';

export let personal: Personal;
export let weekly: Channel;

export function publishedChannel(leaderboard: string, seq = 1): Channel {
  const channel = new Channel(leaderboard);
  channel.newest = { leaderboard, epoch: 1, seq, entries: [], cause: undefined };
  channel.stale = false;
  channel.promote(1);
  return channel;
}

/** A socket of the player that watches these boards. */
export function openFor(userId: string, ...channels: Channel[]): PlainSocket {
  const socket = openSocket();
  socket.connection.channels = channels;
  expect(personal.add(userId, socket.connection)).toBe(true);
  return socket;
}

export const state = (userId: string, version: number): PlayerState => ({
  ...{ userId, score: 10 * version, rank: 7, version },
});
export const versions = ({ frames }: PlainSocket) => frames.map(({ version }) => version);

/** Gives each test of a file players of its own. */
export function usePersonal(): void {
  beforeEach(() => {
    personal = new Personal();
    weekly = publishedChannel('weekly');
  });
}
