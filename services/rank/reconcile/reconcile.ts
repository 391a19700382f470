/**
 * Compares the rank index with Postgres all the time and has differences repaired, on two schedules: players of the last seconds
 * every second, and all players, band by band, every few minutes. Each step is small. It trusts nothing but versions.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { createLoop, type Loop } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { PlayerState } from '../../shared/values/board.ts';
import type { IndexContents } from '../index/index-contents.ts';
import type { KnownIndex } from '../rebuild/known-index.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import { createBandPass } from './band-pass.ts';
import { type CompareIndex, isNameOnly } from './compare-index.ts';
import { createRecentPlayers } from './recent-players.ts';
import type { RepairIndex } from './repair-index.ts';

export interface ReconcilerOptions {
  compare: CompareIndex;
  contents: IndexContents;
  truth: TruthStore;
  repair: RepairIndex;
  known: Pick<KnownIndex, 'redisEpoch'>;
  /** Publishes a board as it is now. */
  announce: (leaderboard: string) => Promise<void>;
  log: Log;
  metrics: Metrics;
}

const RECENT_EVERY_MS = 1_000;
const BAND_EVERY_MS = 500;

export type Reconciler = ReturnType<typeof createReconciler>;

export function createReconciler(options: ReconcilerOptions) {
  const { compare, repair, known, log, metrics } = options;
  const recent = createRecentPlayers(() => performance.now());
  const compared = metrics.counter('reconcile_compared_total', 'Players compared with the truth.', ['part']);
  const band = createBandPass({ ...options, recent, compared });

  async function checkRecent(): Promise<void> {
    for (let due = recent.takeDue(); due.length > 0; due = recent.takeDue()) {
      const epoch = known.redisEpoch;
      if (epoch === undefined) return;
      for (const [leaderboard, players] of Map.groupBy(due, (player) => player.leaderboard)) {
        compared.inc({ part: 'recent' }, players.length);
        await repair.repairAll(epoch, leaderboard, await compare.confirm(epoch, leaderboard, players));
      }
    }
  }

  async function checkBand(): Promise<void> {
    const epoch = known.redisEpoch;
    if (epoch !== undefined) await band.step(epoch);
  }

  const createCheck = (name: string, everyMs: number, check: () => Promise<void>): Loop =>
    createLoop({
      ...{ name, everyMs, log },
      run: () =>
        check().catch((error: unknown) => {
          // A server is away. The keeper logs that; a line here twice a second would add nothing.
          if (!(error instanceof AppError)) throw error;
          log.debug({ err: error }, 'nothing was compared');
        }),
    });
  const recentLoop = createCheck('reconcile recent', RECENT_EVERY_MS, checkRecent);
  const bandLoop = createCheck('reconcile bands', BAND_EVERY_MS, checkBand);

  return {
    /** Takes note of players whose states were just committed. The cost does not grow with their number. */
    note: (players: readonly PlayerState[]): void => recent.note(players),
    /** Removes a player who is no longer in Postgres from the index now, and shows the board without the player. */
    async forget(leaderboard: string, userId: string): Promise<void> {
      const epoch = known.redisEpoch;
      if (epoch !== undefined) await repair.forget(epoch, leaderboard, userId);
    },
    /** Takes the names of these players from Postgres now, and shows the board with them. */
    async refreshNames(leaderboard: string, userIds: readonly string[]): Promise<void> {
      const epoch = known.redisEpoch;
      if (epoch === undefined) return options.announce(leaderboard);
      const players = userIds.map((userId) => ({ userId, version: 0n }));
      const drift = (await compare.confirm(epoch, leaderboard, players)) ?? [];
      await repair.repairAll(epoch, leaderboard, drift.filter(isNameOnly));
    },
    start(): void {
      void recentLoop.start();
      void bandLoop.start();
    },
    async stop(): Promise<void> {
      await Promise.all([recentLoop.stop(), bandLoop.stop()]);
    },
  };
}
