/** One fan-out node: the product's hub, freshness and event reader over simulated sockets. A crash cuts every socket. */

import { createBoardSource } from '../../../../edge/fanout/feed/board-source.ts';
import { Freshness } from '../../../../edge/fanout/feed/freshness.ts';
import { parseScoreEvent } from '../../../../edge/fanout/feed/score-event.ts';
import type { Board } from '../../../../edge/fanout/frames/board-state.ts';
import { pongFrame, updateFrame } from '../../../../edge/fanout/frames/frames.ts';
import { Connection, type Socket } from '../../../../edge/fanout/hub/connection.ts';
import { Hub } from '../../../../edge/fanout/hub/hub.ts';
import { Personal } from '../../../../edge/fanout/hub/personal.ts';
import { createFanoutMetrics } from '../../../../edge/fanout/metrics/fanout-metrics.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { createMetrics } from '../../../../services/shared/telemetry/metrics.ts';
import type { Mutations } from '../environment/mutations.ts';
import type { Process } from '../environment/network.ts';
import type { Pipe } from '../environment/pipe.ts';
import type { Bus } from '../servers/bus.ts';
import type { RankCalls } from './rank-calls.ts';

export interface FanoutNode {
  readonly process: Process;
  /** A client has connected; `player` gets own updates besides. */
  accept(pipe: Pipe, resume: { epoch: number; seq: number } | undefined, player: string | undefined): void;
  crash(): void;
}

export interface FanoutNodeOptions {
  process: Process;
  bus: Bus;
  rank: Pick<RankCalls, 'getTop'>;
  mutations: Mutations;
}

const BOARD = 'global';
const TICK_MS = 50;
const SLOW_CONSUMER_MS = 3_000;
const KEEP_ORDER_EVERY_MS = 250;
const log = createSilentLog();

export function startFanoutNode({ process, bus, rank, mutations }: FanoutNodeOptions): FanoutNode {
  const metrics = createFanoutMetrics(createMetrics('fanout', { runtime: false }));
  const monotonicMs = () => performance.now();
  const personal = new Personal();
  const sockets = new Map<Connection, { pipe: Pipe; topics: Set<string> }>();

  function publish(topic: string, frame: string): number {
    let receivers = 0;
    for (const [connection, { pipe, topics }] of sockets) {
      if (!topics.has(topic)) continue;
      receivers += 1;
      if (pipe.isFull()) hub.onDropped(connection);
      else pipe.write(frame);
    }
    return receivers;
  }

  const hub = new Hub({
    permanent: [BOARD],
    tickMs: TICK_MS,
    slowConsumerMs: SLOW_CONSUMER_MS,
    publish: ({ textTopic }, frame) => publish(textTopic, frame.text),
    personal,
    metrics,
    monotonicMs,
    cpuMs: monotonicMs,
    now: () => Date.now(),
  });
  const source = createBoardSource({ rank, rankStream: rank, oftenRead: 'global' });
  const freshness = new Freshness({ hub, source, sentinel: BOARD, log, metrics, monotonicMs });
  freshness.start();
  bus.feed(process, {
    onEvent,
    onOpened: () => freshness.onFeedOpened(),
    onLost: (sinceMs) => freshness.onFeedLost(sinceMs),
  });
  const keepingOrder = setInterval(() => hub.closeSlow(), KEEP_ORDER_EVERY_MS);

  function onEvent(payload: Uint8Array): void {
    const { leaderboard, board, players, committedAtMs, boardBehind } = parseScoreEvent(payload);
    if (board !== undefined) offer(mutations.inventsBoards ? invented(board) : board, committedAtMs);
    hub.offerPlayers(leaderboard, players);
    freshness.onEvent(leaderboard, boardBehind);
  }

  function offer(board: Board, committedAtMs: number | undefined): void {
    if (mutations.sendsPastHub) {
      publish(
        `board/${board.leaderboard}`,
        updateFrame(board, board.cause ?? { userId: '', newScore: 0 }, false).text,
      );
    } else hub.offerBoard(board, committedAtMs);
  }

  return {
    process,
    accept(pipe, resume, player) {
      const connection = new Connection({ isBinary: false, share: undefined });
      const topics = new Set<string>();
      const socket: Socket = {
        send: (frame) => (pipe.write(String(frame)) ? 1 : 2),
        getBufferedAmount: () => (pipe.isFull() ? Number.MAX_SAFE_INTEGER : 0),
        subscribe: (topic) => Boolean(topics.add(topic)),
        unsubscribe: (topic) => topics.delete(topic),
        end: (code, reason) => pipe.end(code, reason),
      };
      connection.socket = socket;
      sockets.set(connection, { pipe, topics });
      pipe.onDrain = () => connection.socket && hub.onDrained(connection);
      pipe.onMessage = () => void connection.send(pongFrame(undefined));
      pipe.onClosed = () => {
        connection.socket = undefined;
        sockets.delete(connection);
        hub.forget(connection);
        if (player !== undefined) personal.remove(player, connection);
      };
      const channel = hub.join(connection, BOARD, resume);
      if (channel !== undefined && channel.newest === undefined) freshness.open(channel);
      if (player !== undefined) personal.add(player, connection);
    },
    crash() {
      process.alive = false;
      clearInterval(keepingOrder);
      freshness.stop();
      hub.stop();
      for (const { pipe } of sockets.values()) pipe.end(1006, '');
      sockets.clear();
    },
  };
}

/** The same position with a score that no player has. */
function invented(board: Board): Board {
  return { ...board, entries: board.entries.map((entry) => ({ ...entry, score: entry.score + 1 })) };
}
