/** A hub on a fake clock whose sockets are plain objects. A file that imports it gets a new one before each test. */
import { afterEach, beforeEach, vi } from 'vitest';
import type { Board, PlayerState } from '../../../../../edge/fanout/frames/board-state.ts';
import type { Frame } from '../../../../../edge/fanout/frames/frame.ts';
import type { Channel } from '../../../../../edge/fanout/hub/channel.ts';
import { Hub } from '../../../../../edge/fanout/hub/hub.ts';
import { DIRECT_SEND_MAX_BUFFERED_BYTES } from '../../../../../edge/fanout/hub/limits.ts';
import { Personal } from '../../../../../edge/fanout/hub/personal.ts';
import { createFanoutMetrics } from '../../../../../edge/fanout/metrics/fanout-metrics.ts';
import { AppError } from '../../../../../services/shared/errors/app-error.ts';
import { createMetrics } from '../../../../../services/shared/telemetry/metrics.ts';
import { openSocket, type PlainSocket, type PlainSocketOptions } from './plain-socket.ts';

export const TICK_MS = 50;
export const SLOW_MS = 10_000;
export const NOW = 1_700_000_000_000;
export const FULL = DIRECT_SEND_MAX_BUFFERED_BYTES + 1;

export let sockets: PlainSocket[];
export let personal: Personal;
export let metrics: ReturnType<typeof createFanoutMetrics>;
export let hub: Hub;

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  personal = new Personal();
  metrics = createFanoutMetrics(createMetrics('fanout', { runtime: false }));
  hub = new Hub({
    ...{ permanent: ['global'], tickMs: TICK_MS, slowConsumerMs: SLOW_MS, publish, personal, metrics },
    monotonicMs: () => performance.now(),
    cpuMs: () => performance.now(),
    now: () => NOW,
  });
});
afterEach(() => {
  hub.stop();
  vi.useRealTimers();
});

/** As uWebSockets.js does: to the subscribers of either topic, and the frame of a full socket is dropped. */
function publish(channel: Channel, frame: Frame): number {
  const receivers = sockets.filter(({ topics }) => topics.has(channel.textTopic));
  for (const socket of receivers) {
    if (socket.buffered > 0) hub.onDropped(socket.connection);
    else socket.send(frame.text, false);
  }
  return receivers.length;
}

export function open(options: PlainSocketOptions = {}): PlainSocket {
  const socket = openSocket({ ...options, onClosed: (connection) => hub.forget(connection) });
  sockets.push(socket);
  return socket;
}

export function openOn(leaderboard: string): PlainSocket {
  const socket = open();
  hub.join(socket.connection, leaderboard);
  return socket;
}

/** Long enough for every requested tick. */
export const settle = () => vi.advanceTimersByTime(4 * TICK_MS);

export const boardAt = (seq: number, more: Partial<Board> = {}): Board => ({
  ...{ leaderboard: 'global', epoch: 1, seq, cause: undefined },
  entries: [{ userId: 'ann', username: 'Ann', score: seq, rank: 1 }],
  ...more,
});
export const state = (version: number): PlayerState => ({ userId: 'ann', score: version, rank: 3, version });
export const channelOf = (leaderboard: string): Channel => {
  const channel = hub.find(leaderboard);
  if (channel === undefined) throw new Error(`${leaderboard} is not watched`);
  return channel;
};
export const seqs = ({ frames }: PlainSocket) => frames.map(({ seq }) => seq);
export const events = ({ frames }: PlainSocket) => frames.map(({ event }) => event);

/** The sum of all series of a metric, or of those with this label. */
export async function metric(name: string, label = ''): Promise<number> {
  const lines = (await metrics.registry.text())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

export function refusal(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error.reason;
    throw error;
  }
}
