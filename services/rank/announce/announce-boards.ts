/**
 * Publishes boards that changed without a score: after a new epoch took over, so that viewers hold a board that later events can
 * be compared with, and after a repair. Nothing is published while NATS is away; fan-out nodes poll then.
 */
import { randomUUID } from 'node:crypto';
import type { Publisher } from '../../shared/events/publisher.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createRepeatedWarning } from '../../shared/telemetry/repeated-log.ts';
import { type Projected, TOP_SIZE } from '../../shared/values/board.ts';
import type { ReadBoards } from '../read/read-boards.ts';

export interface AnnounceBoardsOptions {
  reader: Pick<ReadBoards, 'top'>;
  bus: Pick<Publisher, 'ready' | 'publish'>;
  log: Log;
}

export function createAnnounceBoards({ reader, bus, log }: AnnounceBoardsOptions) {
  const warn = createRepeatedWarning(log, 'a repaired board was not announced');
  return {
    /** The board as it is now, unless its freshness can't be confirmed. */
    async current(leaderboard: string): Promise<void> {
      const { board, stale } = await reader.top(leaderboard, TOP_SIZE);
      const { position, entries } = board;
      if (stale || position === undefined || !bus.ready()) return;
      const projected = { leaderboard, players: [], ranks: [], board: { position, entries }, position };
      await bus.publish(`e${position.epoch}`, { ...projected, complete: true });
    },

    /** Never rejects. */
    async repaired(projected: Projected): Promise<void> {
      if (projected.board === undefined || !bus.ready()) return;
      await bus.publish(`r${randomUUID()}`, projected).catch((error: unknown) => {
        warn({ err: error });
      });
    },
  };
}
