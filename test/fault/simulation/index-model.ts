/**
 * The rank index as its scripts keep it, in memory: versioned writes, one total order, a position that counts changes of
 * the top, and a pointer to the epoch that counts. It may be killed, emptied, or come back with older data.
 */

import type { Projection, RankIndex } from '../../../services/rank/index/rank-index.ts';
import type { PlayerState } from '../../../services/shared/values/board.ts';
import type { Mutations } from './mutations.ts';
import type { Failures, Network, Process, Server } from './network.ts';
import { unpack } from './packed.ts';
import { compareStates, toEntries } from './standings.ts';

interface IndexBoard {
  readonly players: Map<string, PlayerState>;
  seq: bigint;
  print: string;
}

interface Contents {
  pointer: bigint | undefined;
  /** By epoch and board. */
  readonly boards: Map<string, IndexBoard>;
  /** By epoch: when Postgres last heard that it was found here. */
  readonly seenAt: Map<bigint, bigint>;
}

export interface IndexServer {
  readonly server: Server;
  readonly runId: string;
  readonly contents: Contents;
  rankIndex(from: Process): RankIndex;
  /** Of one board of the epoch that counts, best first. */
  ordered(leaderboard: string): PlayerState[];
  /** A copy for a later restart with older data. */
  save(): Contents;
  /** Another life: empty, or with what was saved. */
  restart(saved?: Contents): void;
}

const TOP_SIZE = 10;
const COMMAND_LIMIT_MS = 400;

const FAILURES: Failures = {
  refused: () => new Error("Stream isn't writeable and enableOfflineQueue options is false"),
  lost: () => new Error('Connection is closed.'),
  timeout: () => new Error('Command timed out'),
};

function copy({ pointer, boards, seenAt }: Contents): Contents {
  const copied = [...boards].map(
    ([key, board]) => [key, { ...board, players: new Map(board.players) }] as const,
  );
  return { pointer, boards: new Map(copied), seenAt: new Map(seenAt) };
}

export function createIndexServer(network: Network, mutations: Mutations): IndexServer {
  const server: Server = { state: 'up', life: 1 };
  const empty = (): Contents => ({ pointer: undefined, boards: new Map(), seenAt: new Map() });
  let contents = empty();
  const compare = (a: PlayerState, b: PlayerState) =>
    mutations.ordersTiesById && a.points === b.points ? (a.userId < b.userId ? 1 : -1) : compareStates(a, b);
  const sorted = (board: IndexBoard) => [...board.players.values()].sort(compare);
  const runId = () => `run${server.life}`;
  const counts = (epoch: bigint) => contents.pointer === epoch || mutations.ignoresEpoch === true;

  const isPast = (epoch: bigint) => !counts(epoch) && (contents.pointer ?? 0n) > epoch;

  function boardOf(epoch: bigint, leaderboard: string): IndexBoard {
    const key = `${epoch} ${leaderboard}`;
    const board = contents.boards.get(key) ?? { players: new Map(), seq: 1n, print: '' };
    contents.boards.set(key, board);
    return board;
  }

  function write(board: IndexBoard, players: readonly PlayerState[]): void {
    for (const player of players) {
      const before = board.players.get(player.userId);
      const isNewer = before === undefined || before.version < player.version;
      if (isNewer || mutations.writesUnversioned) board.players.set(player.userId, player);
    }
  }

  function project(
    epoch: bigint,
    leaderboard: string,
    players: readonly PlayerState[],
  ): Projection | undefined {
    if (!counts(epoch)) return undefined;
    const board = boardOf(epoch, leaderboard);
    write(board, players);
    const order = sorted(board);
    const ranks = players.map(({ userId }) => order.findIndex((state) => state.userId === userId) + 1);
    const top = order.slice(0, TOP_SIZE);
    const print = top.map(({ userId, points, version }) => `${userId} ${points} ${version}`).join();
    if (print === board.print) return { position: { epoch, seq: board.seq }, ranks, board: undefined };
    board.print = print;
    board.seq += 1n;
    const position = { epoch, seq: board.seq };
    return { position, ranks, board: { ...position, entries: toEntries(top) } };
  }

  function dropOlder(epoch: bigint): void {
    for (const key of contents.boards.keys()) {
      if (BigInt(key.split(' ')[0] ?? '') < epoch) contents.boards.delete(key);
    }
  }

  function rankIndex(from: Process): RankIndex {
    let trusted: number | undefined;
    const ask = <Result>(serve: () => Result) => {
      const { life } = server;
      const onConnection = () => {
        // What was sent to another life of the server went down with its connection.
        if (server.life !== life) throw FAILURES.lost();
        return serve();
      };
      return network.call({
        ...{ from, to: server, limitMs: COMMAND_LIMIT_MS, failures: FAILURES },
        serve: onConnection,
      });
    };
    const askTrusted = async <Result>(serve: () => Result | undefined) =>
      trusted === server.life || mutations.ignoresEpoch ? ask(serve) : undefined;
    return {
      project: (epoch, leaderboard, players) => askTrusted(() => project(epoch, leaderboard, players)),
      projectShadow: (epoch, leaderboard, players) =>
        ask(() => {
          if (isPast(epoch)) return false;
          if (counts(epoch)) project(epoch, leaderboard, players);
          else write(boardOf(epoch, leaderboard), players);
          return true;
        }),
      load: (epoch, leaderboard, packed) =>
        ask(() => write(boardOf(epoch, leaderboard), unpack(leaderboard, packed))),
      top: (epoch, leaderboard, limit) =>
        askTrusted(() => {
          if (!counts(epoch)) return undefined;
          const board = boardOf(epoch, leaderboard);
          return { epoch, seq: board.seq, entries: toEntries(sorted(board).slice(0, limit)) };
        }),
      around: (epoch, leaderboard, userId, radius) =>
        askTrusted(() => {
          if (!counts(epoch)) return undefined;
          const order = sorted(boardOf(epoch, leaderboard));
          const at = order.findIndex((state) => state.userId === userId);
          const first = Math.max(0, at - radius);
          const entries = at < 0 ? [] : toEntries(order.slice(first, at + radius + 1), first + 1);
          const [own, entry] = [order[at], entries[at - first]];
          const self = own && entry && { entry, version: own.version };
          return { players: order.length, entries, self };
        }),
      pointTo: (epoch) =>
        ask(() => {
          contents.pointer = epoch;
        }),
      identity: () => ask(() => ({ epoch: contents.pointer, runId: runId(), connection: server.life })),
      trust: (connection) => {
        trusted = connection;
      },
      noteSeen: (epoch, seenAt) => ask(() => void contents.seenAt.set(epoch, seenAt)),
      seenAt: (epoch) => ask(() => contents.seenAt.get(epoch) ?? 0n),
      clear: (epoch) =>
        ask(() => {
          contents.pointer = undefined;
          dropOlder(epoch);
        }),
      dropOlder: (epoch) => ask(() => dropOlder(epoch)),
    };
  }

  return {
    server,
    get runId() {
      return runId();
    },
    get contents() {
      return contents;
    },
    rankIndex,
    ordered: (leaderboard) => sorted(boardOf(contents.pointer ?? 0n, leaderboard)),
    save: () => copy(contents),
    restart(saved) {
      server.life += 1;
      contents = saved === undefined ? empty() : copy(saved);
    },
  };
}
