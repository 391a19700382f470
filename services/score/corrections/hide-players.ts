/**
 * Hides quarantined players from every board, and shows released ones again. The database notes whose quarantine changed. The work
 * is done in pages, so a player may have any number of boards, and it is repeated until it has succeeded.
 */
import { createLoop, type LoopOptions } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Delivery } from '../outbox/delivery.ts';
import type { QuarantineStore } from './quarantine-store.ts';

const PLAYERS = 20;
/** Boards in one statement: some 100 ms with long ledgers, during which scores of this player wait. */
const PAGE = 20;
/** After a failure the players are due again. */
const LEASE_MS = 5_000;

export interface HidePlayersOptions {
  store: QuarantineStore;
  delivery: Pick<Delivery, 'wake'>;
  /** Whether there may be something to claim. */
  hasChanges: () => Promise<boolean>;
  everyMs: LoopOptions['everyMs'];
  log: Log;
}

export function createHidePlayers({ store, delivery, hasChanges, everyMs, log }: HidePlayersOptions) {
  let isWoken = false;

  async function apply(userId: string): Promise<void> {
    let board = await store.apply(userId, '', PAGE);
    while (board !== undefined) {
      delivery.wake();
      board = await store.apply(userId, board, PAGE);
    }
  }

  async function run(): Promise<void> {
    // What was read a moment ago does not tell of a change that was made since.
    if (!isWoken && !(await hasChanges())) return;
    isWoken = false;
    for (;;) {
      const changed = await store.claim(PLAYERS, LEASE_MS);
      if (changed.length === 0) return;
      for (const { userId } of changed) await apply(userId);
      await store.settle(changed);
    }
  }

  const loop = createLoop({ name: 'hide players', everyMs, run, log });
  return {
    start(): void {
      void loop.start();
    },
    /** After a change that this process made. */
    wake(): void {
      isWoken = true;
      loop.wake();
    },
    stop: () => loop.stop(),
  };
}
