/** The readings of Postgres (boards, players, ranks) and the row that says which rank index counts, as their stores promise. */

import type { EpochStore } from '../../../services/rank/rebuild/epoch-store.ts';
import type { TruthStore } from '../../../services/rank/truth/truth-store.ts';
import type { Board, PlayerState } from '../../../services/shared/values/board.ts';
import { playerKey } from '../checker/evidence.ts';
import type { Database } from './database.ts';
import type { Process } from './network.ts';
import { pack } from './packed.ts';
import { compareStates, toEntries } from './standings.ts';
import type { VirtualTime } from './virtual-time.ts';

const READ_LIMIT_MS = 2_000;
const EPOCH_LIMIT_MS = 1_000;
const TOP_SIZE = 10;
const microseconds = (ms: number) => BigInt(Math.floor(ms * 1000));

export type Truth = ReturnType<typeof createTruth>;

export function createTruth(database: Database, time: VirtualTime) {
  const { index, scores } = database;
  /** The ordering token of a board while it is read from here. */
  const tokens = new Map<string, { epoch: bigint; seq: bigint; print: string }>();
  const ordered = (leaderboard: string): PlayerState[] =>
    [...scores.values()].filter((state) => state.leaderboard === leaderboard).sort(compareStates);

  function board(leaderboard: string): Board {
    const entries = toEntries(ordered(leaderboard).slice(0, TOP_SIZE));
    const { epoch } = index;
    if (index.source !== 'postgres') return { epoch, seq: 0n, entries };
    const print = entries.map(({ userId, score }) => `${userId} ${score}`).join();
    const token = tokens.get(leaderboard);
    const seq = token?.epoch !== epoch ? 1n : token.seq + (token.print === print ? 0n : 1n);
    tokens.set(leaderboard, { epoch, seq, print });
    return { epoch, seq, entries };
  }

  const after = (leaderboard: string, userId: string, limit: number): PlayerState[] =>
    ordered(leaderboard)
      .filter((state) => state.userId > userId)
      .sort((a, b) => (a.userId < b.userId ? -1 : 1))
      .slice(0, limit);

  function truthStore(from: Process): TruthStore {
    const read = <Result>(serve: () => Result | Promise<Result>) => database.run(from, READ_LIMIT_MS, serve);
    return {
      board: (leaderboard) => read(() => board(leaderboard)),
      states: (players) =>
        read(() => [...new Set(players.map(playerKey))].flatMap((key) => scores.get(key) ?? [])),
      known: (leaderboard, userIds) =>
        read(() => userIds.filter((userId) => scores.has(playerKey({ leaderboard, userId })))),
      ranks: (leaderboard, players) =>
        read(() => {
          const all = ordered(leaderboard);
          const ahead = (player: PlayerState) =>
            all.filter((other) => compareStates(other, player) < 0).length;
          return { ranks: players.map((player) => ahead(player) + 1), players: all.length };
        }),
      page: (leaderboard, firstRank, limit) =>
        read(() => toEntries(ordered(leaderboard)).slice(firstRank - 1, firstRank - 1 + limit)),
      playerCount: (leaderboard) => read(() => ordered(leaderboard).length),
      leaderboards: () => read(() => [...new Set([...scores.values()].map((state) => state.leaderboard))]),
      scan: (leaderboard, afterUserId, limit) => read(() => after(leaderboard, afterUserId, limit)),
      packed: (leaderboard, afterUserId, limit) =>
        read(async () => {
          const page = after(leaderboard, afterUserId, limit);
          const last = page.at(-1);
          await database.readAll();
          return last === undefined
            ? []
            : [{ players: page.length, lastUserId: last.userId, packed: pack(page) }];
        }),
    };
  }

  function epochStore(from: Process): EpochStore {
    const write = <Result>(serve: () => Result) => database.run(from, EPOCH_LIMIT_MS, serve);
    const nextEpoch = () => {
      const { epoch, building } = index;
      const last = building !== undefined && building > epoch ? building : epoch;
      const unixSeconds = BigInt(Math.floor(Date.now() / 1000));
      return last >= unixSeconds ? last + 1n : unixSeconds;
    };
    return {
      read: () =>
        write(() => ({
          ...index,
          redisSeenAt: microseconds(index.redisSeenMs),
          redisUnseenMs: time.nowMs() - index.redisSeenMs,
          readOnly: false,
          buildLapsed: index.building !== undefined && index.buildingUntilMs < time.nowMs(),
        })),
      markSeen: (epoch, runId) =>
        write(() => {
          if (index.epoch !== epoch || index.redisRunId !== runId || index.source !== 'redis')
            return undefined;
          index.redisSeenMs = time.nowMs();
          return microseconds(index.redisSeenMs);
        }),
      readFromPostgres: (epoch) =>
        write(() => {
          const isBuilding = index.building !== undefined && index.buildingUntilMs >= time.nowMs();
          if (index.epoch !== epoch || (index.source === 'postgres' && isBuilding)) return false;
          Object.assign(index, { epoch: nextEpoch(), source: 'postgres', building: undefined });
          return true;
        }),
      announceBuild: (counting, leaseMs) =>
        write(() => {
          if (index.epoch !== counting) return undefined;
          if (index.building !== undefined && index.buildingUntilMs >= time.nowMs()) return undefined;
          const epoch = nextEpoch();
          Object.assign(index, { building: epoch, buildingUntilMs: time.nowMs() + leaseMs });
          return epoch;
        }),
      abandonBuild: (epoch) =>
        write(() => {
          if (index.building !== epoch) return;
          Object.assign(index, { epoch: nextEpoch(), source: 'postgres', building: undefined });
        }),
      renewBuild: (epoch, leaseMs) =>
        write(() => {
          if (index.building !== epoch) return false;
          index.buildingUntilMs = time.nowMs() + leaseMs;
          return true;
        }),
      listWriters: () => write(() => database.writers()),
      finishBuild: (epoch, runId) =>
        write(() => {
          if (index.building !== epoch) return false;
          const seen = { redisRunId: runId, redisSeenMs: time.nowMs() };
          Object.assign(index, { epoch, source: 'redis', building: undefined, ...seen });
          return true;
        }),
    };
  }

  return { truthStore, epochStore, board, ordered };
}
