/**
 * Ranks counted in Postgres while Redis is away. A count reads the whole board, whether for one player or for hundreds, so
 * there is one count of a board at a time, and all callers who arrive meanwhile share the next.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { createCoalescer } from '../../shared/flow/coalescer.ts';
import type { Deadline } from '../../shared/flow/deadline.ts';
import type { PlayerState } from '../../shared/values/board.ts';
import { createPerBoard } from './per-board.ts';
import type { TruthStore } from './truth-store.ts';

/** A player's rank, and how many players the board has. */
export interface Standing {
  readonly rank: number;
  readonly players: number;
}

const MAX_PLAYERS_PER_COUNT = 500;
/** Four counts. A caller who would wait for a fifth is refused at once. */
const MAX_WAITING = 2_000;

interface Waiting {
  readonly player: PlayerState;
  readonly deadline: Deadline;
}

export type TruthRanks = ReturnType<typeof createTruthRanks>;

export function createTruthRanks(truth: Pick<TruthStore, 'ranks'>) {
  const counterOf = createPerBoard((leaderboard) =>
    createCoalescer<Waiting, Standing>({
      maxBatch: MAX_PLAYERS_PER_COUNT,
      maxInFlight: 1,
      maxQueue: MAX_WAITING,
      lapsed: ({ deadline }) => (deadline.hasPassed() ? new AppError('DEADLINE_EXCEEDED') : undefined),
      send: async (waiting) => {
        const { ranks, players } = await truth.ranks(
          leaderboard,
          waiting.map(({ player }) => player),
        );
        return ranks.map((rank) => ({ rank, players }));
      },
    }),
  );
  return {
    /**
     * Of players of one board, in order. Refuses with OVERLOADED when the queue is full, and with DEADLINE_EXCEEDED when the
     * deadline passes before the count begins.
     */
    async of(leaderboard: string, players: readonly PlayerState[], deadline: Deadline): Promise<Standing[]> {
      const standings = await counterOf(leaderboard).submitAll(
        players.map((player) => ({ player, deadline })),
      );
      return standings.map((standing) => {
        if (standing instanceof Error) throw standing;
        return standing;
      });
    },
  };
}
