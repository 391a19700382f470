/**
 * One pass after another over all players in Postgres: a step compares a band of players of one board, or some small boards.
 * After the last band of a board its members that belong to no player are removed, and after the last board those boards
 * that only the index has.
 */
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { IndexContents } from '../index/index-contents.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import type { CompareIndex } from './compare-index.ts';
import type { RecentPlayers } from './recent-players.ts';
import type { RepairIndex } from './repair-index.ts';

export interface BandPassOptions {
  compare: Pick<CompareIndex, 'suspects' | 'unknownBoards'>;
  contents: Pick<IndexContents, 'inspect'>;
  truth: Pick<TruthStore, 'leaderboards' | 'scan' | 'playerCount'>;
  repair: Pick<RepairIndex, 'removeUnknownPlayers' | 'removeStrayPlaces'>;
  recent: Pick<RecentPlayers, 'addSuspects' | 'isFull'>;
  compared: ReturnType<Metrics['counter']>;
  log: Log;
  metrics: Metrics;
}

/** With a step each half second a million players take some four minutes, at a few milliseconds of either server a step. */
const BAND_PLAYERS = 2_000;
/** Boards per step, if their players fit into a band: ten thousand small boards take eight minutes. */
const BAND_BOARDS = 10;
/** Between two passes: a small deployment needs no comparison all the time. */
const PASS_PAUSE_MS = 5_000;
/** Pages of Redis' keys per step in the search for boards that only the index has: some milliseconds. */
const KEY_PAGES = 10;

interface Pass {
  readonly startedAtMs: number;
  /** Boards that are still to be compared; the first is under way. */
  readonly boards: string[];
  /** The last player compared of the first board. */
  after: string;
  /** Cursor in Redis' keys. */
  keys: string;
}

export function createBandPass(options: BandPassOptions) {
  const { compare, contents, truth, repair, recent, compared, log, metrics } = options;
  let lastPassSeconds = 0;
  metrics.gauge('reconcile_pass_seconds', 'How long the last comparison of all players took.', {
    collect: () => lastPassSeconds,
  });
  let pass: Pass | undefined;
  let nextPassAtMs = 0;

  async function compareBoards(epoch: bigint, current: Pass): Promise<void> {
    let players = 0;
    for (let boards = 0; boards < BAND_BOARDS && players < BAND_PLAYERS; boards += 1) {
      const [leaderboard] = current.boards;
      if (leaderboard === undefined || recent.isFull()) return;
      players += await compareBand(epoch, current, leaderboard);
    }
  }

  /** Returns how many players were compared. */
  async function compareBand(epoch: bigint, current: Pass, leaderboard: string): Promise<number> {
    const band = await truth.scan(leaderboard, current.after, BAND_PLAYERS);
    compared.inc({ part: 'band' }, band.length);
    // Suspects are judged a moment later, with the players of the last seconds: then no write under way explains a difference.
    recent.addSuspects((await compare.suspects(epoch, leaderboard, band)) ?? []);
    current.after = band.at(-1)?.userId ?? '';
    if (band.length === BAND_PLAYERS) return band.length;
    await removeStrays(epoch, leaderboard);
    current.boards.shift();
    current.after = '';
    return band.length;
  }

  /** A player is committed before the index has an entry, and enters hash and sorted set in one step. Else something is wrong. */
  async function removeStrays(epoch: bigint, leaderboard: string): Promise<void> {
    const counts = await contents.inspect(epoch, leaderboard, []);
    if (counts === undefined) return;
    const { players, onBoard } = await truth.playerCount(leaderboard);
    if (counts.inHash > players) await repair.removeUnknownPlayers(epoch, leaderboard);
    if (counts.inOrder > onBoard) await repair.removeStrayPlaces(epoch, leaderboard);
  }

  async function removeUnknownBoards(epoch: bigint, current: Pass): Promise<void> {
    for (let pages = 0; pages < KEY_PAGES; pages += 1) {
      const { cursor, leaderboards } = await compare.unknownBoards(epoch, current.keys);
      for (const leaderboard of leaderboards) {
        log.error({ leaderboard }, 'the rank index has a board that Postgres does not have: removing it');
        await repair.removeUnknownPlayers(epoch, leaderboard);
        await repair.removeStrayPlaces(epoch, leaderboard);
      }
      current.keys = cursor;
      if (cursor === '0') return endPass(current);
    }
  }

  function endPass({ startedAtMs }: Pass): void {
    lastPassSeconds = (performance.now() - startedAtMs) / 1000;
    nextPassAtMs = performance.now() + PASS_PAUSE_MS;
    pass = undefined;
  }

  return {
    /** Does nothing in the pause between two passes, and while there is no room for suspects. */
    async step(epoch: bigint): Promise<void> {
      if (recent.isFull() || performance.now() < nextPassAtMs) return;
      pass ??= { startedAtMs: performance.now(), boards: await truth.leaderboards(), after: '', keys: '0' };
      if (pass.boards.length === 0) await removeUnknownBoards(epoch, pass);
      else await compareBoards(epoch, pass);
    },
  };
}
