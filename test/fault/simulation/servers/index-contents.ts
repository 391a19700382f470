/** What the simulated Redis holds: boards by epoch, and a pointer to the epoch that counts. Writes are versioned, as in the scripts. */
import type { Projection } from '../../../../services/rank/index/rank-index.ts';
import { isOnBoard, type PlayerState } from '../../../../services/shared/values/board.ts';
import type { Mutations } from '../environment/mutations.ts';
import { compareStates, toEntries } from './standings.ts';

interface IndexBoard {
  readonly players: Map<string, PlayerState>;
  seq: bigint;
  print: string;
}

const TOP_SIZE = 10;

export class IndexContents {
  pointer: bigint | undefined;
  /** By epoch: when Postgres last heard that it was found here. */
  readonly seenAt: Map<bigint, bigint>;
  private readonly mutations: Mutations;
  /** By epoch and board. */
  private readonly boards: Map<string, IndexBoard>;

  constructor(mutations: Mutations, copied?: IndexContents) {
    this.mutations = mutations;
    this.pointer = copied?.pointer;
    this.seenAt = new Map(copied?.seenAt);
    this.boards = new Map(
      [...(copied?.boards ?? [])].map(([key, board]) => [key, { ...board, players: new Map(board.players) }]),
    );
  }

  counts(epoch: bigint): boolean {
    return this.pointer === epoch || this.mutations.ignoresEpoch === true;
  }

  isPast(epoch: bigint): boolean {
    return !this.counts(epoch) && (this.pointer ?? 0n) > epoch;
  }

  /** Best first. */
  ordered(epoch: bigint, leaderboard: string): PlayerState[] {
    return this.sorted(this.boardOf(epoch, leaderboard));
  }

  seqOf(epoch: bigint, leaderboard: string): bigint {
    return this.boardOf(epoch, leaderboard).seq;
  }

  write(epoch: bigint, leaderboard: string, players: readonly PlayerState[]): void {
    const board = this.boardOf(epoch, leaderboard);
    for (const player of players) {
      const before = board.players.get(player.userId);
      const isNewer = before === undefined || before.version < player.version;
      if (isNewer || this.mutations.writesUnversioned) board.players.set(player.userId, player);
    }
  }

  /** Undefined when another epoch counts. */
  project(epoch: bigint, leaderboard: string, players: readonly PlayerState[]): Projection | undefined {
    if (!this.counts(epoch)) return undefined;
    this.write(epoch, leaderboard, players);
    const board = this.boardOf(epoch, leaderboard);
    const order = this.sorted(board);
    const ranks = players.map(({ userId }) => order.findIndex((state) => state.userId === userId) + 1);
    const top = order.slice(0, TOP_SIZE);
    const print = top.map(({ userId, points, version }) => `${userId} ${points} ${version}`).join();
    if (print === board.print) return { position: { epoch, seq: board.seq }, ranks, board: undefined };
    board.print = print;
    board.seq += 1n;
    const position = { epoch, seq: board.seq };
    return { position, ranks, board: { position, entries: toEntries(top) } };
  }

  dropOlder(epoch: bigint): void {
    for (const key of this.boards.keys()) {
      if (BigInt(key.split(' ')[0] ?? '') < epoch) this.boards.delete(key);
    }
  }

  private boardOf(epoch: bigint, leaderboard: string): IndexBoard {
    const key = `${epoch} ${leaderboard}`;
    const board = this.boards.get(key) ?? { players: new Map(), seq: 1n, print: '' };
    this.boards.set(key, board);
    return board;
  }

  private sorted(board: IndexBoard): PlayerState[] {
    const compare = (a: PlayerState, b: PlayerState) =>
      this.mutations.ordersTiesById && a.points === b.points
        ? a.userId < b.userId
          ? 1
          : -1
        : compareStates(a, b);
    const shown = (state: PlayerState) => isOnBoard(state) || this.mutations.showsEverybody === true;
    return [...board.players.values()].filter(shown).sort(compare);
  }
}
