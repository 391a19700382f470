/**
 * Keeps comparing the rank index with the truth and has put right what differs: players of the last seconds again and again,
 * and everybody, band by band, every few minutes, and after them the boards that only the index has. Each step is small. It
 * trusts nothing but versions.
 */
import { AppError } from '../../shared/errors/app-error.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { PlayerState } from '../../shared/values/board.ts';
import type { IndexContents } from '../index/index-contents.ts';
import type { IndexKeeper } from '../rebuild/index-keeper.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import type { CompareIndex } from './compare-index.ts';
import { createRecentPlayers } from './recent-players.ts';
import type { RepairIndex } from './repair-index.ts';

export interface Reconciler {
  /** Players whose new states were just committed. Costs the same however many they are. */
  note(players: readonly PlayerState[]): void;
  /** Takes a player whom the truth no longer knows out of the index now, and shows the board without. */
  forget(leaderboard: string, userId: string): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export interface ReconcilerOptions {
  compare: CompareIndex;
  contents: IndexContents;
  truth: TruthStore;
  repair: RepairIndex;
  keeper: Pick<IndexKeeper, 'state'>;
  log: Log;
  metrics: Metrics;
}

const RECENT_EVERY_MS = 1_000;
const BAND_EVERY_MS = 500;
/** With a step each half second a million players take some four minutes, at a few milliseconds of either server a step. */
const BAND_PLAYERS = 2_000;
/** Between two passes over everything: a small board is not worth asking for all the time. */
const PASS_PAUSE_MS = 5_000;
/** Pages of Redis' keys looked at in one step for boards that only the index has: some milliseconds. */
const KEY_PAGES = 10;

interface Pass {
  readonly startedAtMs: number;
  readonly boards: string[];
  after: string;
  /** Where in Redis' keys the look for boards that only the index has goes on. */
  keys: string;
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { compare, contents, truth, repair, keeper, log, metrics } = options;
  const recent = createRecentPlayers(() => performance.now());
  const compared = metrics.counter('reconcile_compared_total', 'Players compared with the truth.', ['part']);
  let passSeconds = 0;
  metrics.gauge('reconcile_pass_seconds', 'How long the last comparison of all players took.', {
    collect: () => passSeconds,
  });
  let pass: Pass | undefined;
  let nextPassAtMs = 0;

  /** Undefined while boards are not read from Redis: then there is nothing to compare. */
  const epochToCompare = () => (keeper.state.source === 'redis' ? keeper.state.epoch : undefined);

  async function checkRecent(): Promise<void> {
    for (let due = recent.takeDue(); due.length > 0; due = recent.takeDue()) {
      const epoch = epochToCompare();
      if (epoch === undefined) return;
      for (const [leaderboard, known] of Map.groupBy(due, (player) => player.leaderboard)) {
        compared.inc({ part: 'recent' }, known.length);
        await repair.repairAll(epoch, leaderboard, await compare.confirm(epoch, leaderboard, known));
      }
    }
  }

  async function checkBand(): Promise<void> {
    const epoch = epochToCompare();
    if (epoch === undefined || recent.isFull() || performance.now() < nextPassAtMs) return;
    pass ??= { startedAtMs: performance.now(), boards: await truth.leaderboards(), after: '', keys: '0' };
    const [leaderboard] = pass.boards;
    if (leaderboard === undefined) return checkUnknownBoards(epoch, pass);
    const band = await truth.scan(leaderboard, pass.after, BAND_PLAYERS);
    compared.inc({ part: 'band' }, band.length);
    // Judged a moment later, together with the players of the last seconds: by then no write under way explains it.
    recent.addSuspects((await compare.suspects(epoch, leaderboard, band)) ?? []);
    pass.after = band.at(-1)?.userId ?? '';
    if (band.length === BAND_PLAYERS) return;
    await checkStrays(epoch, leaderboard);
    pass.boards.shift();
    pass.after = '';
  }

  /** The last part of a pass: boards that the truth does not know lose all that they have. */
  async function checkUnknownBoards(epoch: bigint, current: Pass): Promise<void> {
    for (let pages = 0; pages < KEY_PAGES; pages += 1) {
      const { cursor, leaderboards } = await compare.unknownBoards(epoch, current.keys);
      for (const leaderboard of leaderboards) {
        log.error({ leaderboard }, 'the rank index has a board that the truth does not know');
        await repair.removeUnknownPlayers(epoch, leaderboard);
        await repair.removeStrayPlaces(epoch, leaderboard);
      }
      current.keys = cursor;
      if (cursor === '0') return endPass(current);
    }
  }

  function endPass({ startedAtMs }: Pass): void {
    passSeconds = (performance.now() - startedAtMs) / 1000;
    nextPassAtMs = performance.now() + PASS_PAUSE_MS;
    pass = undefined;
  }

  /** A player is committed before the index hears of it, and enters hash and order in one step: else something is wrong. */
  async function checkStrays(epoch: bigint, leaderboard: string): Promise<void> {
    const counts = await contents.inspect(epoch, leaderboard, []);
    if (counts === undefined) return;
    const players = await truth.playerCount(leaderboard);
    if (counts.inHash > players) await repair.removeUnknownPlayers(epoch, leaderboard);
    if (counts.inOrder !== counts.inHash) await repair.removeStrayPlaces(epoch, leaderboard);
  }

  /** While a server is away the keeper says so; here it would only be said twice a second. */
  const unlessAway = (check: () => Promise<void>) => async () => {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      log.debug({ err: error }, 'nothing was compared');
    }
  };
  const recentLoop = createLoop({
    name: 'reconcile recent',
    everyMs: RECENT_EVERY_MS,
    run: unlessAway(checkRecent),
    log,
  });
  const bandLoop = createLoop({
    name: 'reconcile bands',
    everyMs: BAND_EVERY_MS,
    run: unlessAway(checkBand),
    log,
  });

  return {
    note: (players) => recent.note(players),
    async forget(leaderboard, userId) {
      const epoch = epochToCompare();
      if (epoch !== undefined) await repair.forget(epoch, leaderboard, userId);
    },
    start() {
      void recentLoop.start();
      void bandLoop.start();
    },
    async stop() {
      await Promise.all([recentLoop.stop(), bandLoop.stop()]);
    },
  };
}
