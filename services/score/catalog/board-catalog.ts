/**
 * The boards that scores are submitted to, from memory. The kind of a board with scores never changes. Its state may, and a
 * change is known within a second: it only selects the lane of an action, since the judging statement reads the state itself.
 * Unknown boards are refused, or created by their first verified action. While Postgres is away, the last state applies.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import { createLoop, type LoopOptions } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { BoardStore, ClaimedBoard } from './board-store.ts';

export type BoardCatalog = ReturnType<typeof createBoardCatalog>;

export interface BoardCatalogOptions {
  store: BoardStore;
  /** Whether a first score creates its board. */
  createsBoards: boolean;
  /** Grows with every change of a board's state. */
  readVersion: () => Promise<bigint>;
  everyMs: LoopOptions['everyMs'];
  log: Log;
}

/** Boards in memory, at some 200 bytes each. Beyond that, all are read again as they are needed. */
const MAX_KNOWN = 10_000;
/** Names in one statement, and names that wait for one. */
const MAX_BATCH = 500;
const MAX_QUEUE = 5_000;

interface OnBoard {
  readonly leaderboard: string;
}

export function createBoardCatalog({ store, createsBoards, readVersion, everyMs, log }: BoardCatalogOptions) {
  let version = 0n;
  let known = new Map<string, ClaimedBoard>();

  async function look(): Promise<void> {
    const newest = await readVersion();
    if (newest === version) return;
    version = newest;
    known = new Map();
  }

  function keep(board: ClaimedBoard): void {
    // Its state may have changed since.
    if (board.version < version) return;
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(board.name, board);
  }

  const createLookUp = <Found>(look: (names: readonly string[]) => Promise<ReadonlyMap<string, Found>>) =>
    createCoalescer<string, Found | AppError>({
      ...{ maxBatch: MAX_BATCH, maxInFlight: 1, maxQueue: MAX_QUEUE },
      async send(names) {
        const found = await look([...new Set(names)]);
        return names.map((name) => found.get(name) ?? new AppError('BOARD_NOT_FOUND'));
      },
    });
  const lookUps = createLookUp(async (names) => {
    const existing = await store.existing(names);
    return new Map(existing.map((name) => [name, true as const]));
  });
  const claims = createLookUp(async (names) => {
    const claimed = await store.claim(names, createsBoards);
    for (const board of claimed) keep(board);
    return new Map(claimed.map((board) => [board.name, board]));
  });

  /** What is in memory, and for the other boards the outcomes of a look-up. */
  async function findAll<Found>(
    items: readonly OnBoard[],
    lookUp: { submitAll(names: readonly string[]): Promise<ReadonlyArray<Found | Error>> },
  ): Promise<ReadonlyMap<string, Found | ClaimedBoard | Error>> {
    const found = new Map<string, Found | ClaimedBoard | Error>();
    const missing = new Set<string>();
    for (const { leaderboard } of items) {
      const board = known.get(leaderboard);
      if (board === undefined) missing.add(leaderboard);
      else found.set(leaderboard, board);
    }
    if (missing.size === 0) return found;
    const names = [...missing];
    const outcomes = await lookUp.submitAll(names);
    for (const [at, name] of names.entries()) found.set(name, outcomes[at] ?? new AppError('INTERNAL'));
    return found;
  }

  const loop = createLoop({ name: 'board catalog', everyMs, run: look, log });
  return {
    /** Refuses items of unknown boards, unless their first score creates them. Costs nothing for boards in memory. */
    async admit<Item extends OnBoard>(items: readonly Item[]): Promise<ReadonlyArray<Item | Error>> {
      if (createsBoards) return items;
      const found = await findAll(items, lookUps);
      return items.map((item) => {
        const outcome = found.get(item.leaderboard);
        return outcome instanceof Error ? outcome : item;
      });
    },

    /** Adds its board to each verified action. The board's row exists from then on, and its kind never changes. */
    async place<Item extends OnBoard>(
      items: readonly Item[],
    ): Promise<Array<(Item & { board: ClaimedBoard }) | Error>> {
      const found = await findAll(items, claims);
      return items.map((item) => {
        const board = found.get(item.leaderboard) ?? new AppError('INTERNAL');
        return board instanceof Error ? board : { ...item, board };
      });
    },

    /** Resolves when the version is known; then checks for changes periodically. */
    async start(): Promise<void> {
      await look();
      void loop.start();
    },
    async stop(): Promise<void> {
      await loop.stop();
      await Promise.all([lookUps.close(), claims.close()]);
    },
  };
}
