/**
 * Delivers outbox rows that the fast path left behind. A row names players, not states: the newest states are read from
 * Postgres, projected and published, so a late delivery is right whatever was accepted in between.
 */
import type { Publisher } from '../../shared/events/publisher.ts';
import type { ReadPlayerStates } from '../../shared/stores/postgres/player-state-store.ts';
import type { RankBoards } from '../boards/rank-boards.ts';
import { PLAYERS_PER_EVENT } from './merge-projected.ts';
import type { OutboxRow } from './outbox-store.ts';

export interface DeliverRowsOptions {
  readStates: ReadPlayerStates;
  boards: Pick<RankBoards, 'bring'>;
  publisher: Pick<Publisher, 'publish'>;
  /** Called with the number of events that were published. */
  onPublished: (events: number) => void;
}

/** Rejects when a state was not projected or an event was not published. */
export function createDeliverRows({ readStates, boards, publisher, onPublished }: DeliverRowsOptions) {
  return async (rows: readonly OutboxRow[]): Promise<void> => {
    const states = await readStates(rows.flatMap((row) => row.players));
    for (let start = 0; start < states.length; start += PLAYERS_PER_EVENT) {
      // Rank reads which index is current, and which is being built, when it receives this, so after the states were read:
      // an index whose build began after the commit gets them too.
      const projected = await boards.bring(states.slice(start, start + PLAYERS_PER_EVENT));
      if (!projected.every((board) => board.complete)) throw new Error('the projection is incomplete');
      // A new message id: these states are newer than those of an earlier attempt, which NATS must not take for a repeat.
      const batchId = `s${rows[0]?.id}-${start}-${performance.now()}`;
      await Promise.all(projected.map((board) => publisher.publish(batchId, board)));
      onPublished(projected.length);
    }
  };
}
