/**
 * Keeps comparing the rank index with the truth and puts right what differs: players of the last seconds again and again,
 * and everybody, band by band, every few minutes. Each step is small. It trusts nothing but versions: what is behind goes
 * through the same versioned projection as a live score, what is wrong at the right version changes places in one step.
 */
import { AppError } from '../shared/app-error.ts';
import type { Log } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { PlayerState } from './board.ts';
import { type CompareIndex, DRIFT_KINDS, type Drift } from './compare-index.ts';
import type { IndexContents } from './index-contents.ts';
import type { IndexKeeper } from './index-keeper.ts';
import { createLoop } from './loop.ts';
import type { Projected, Projector } from './projector.ts';
import { createRecentPlayers } from './recent-players.ts';
import type { TruthStore } from './truth-store.ts';

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
  projector: Projector;
  keeper: Pick<IndexKeeper, 'state'>;
  /** Tells viewers of a board that a repair changed. Never rejects. */
  announce: (projected: Projected) => Promise<void>;
  log: Log;
  metrics: Metrics;
}

const RECENT_EVERY_MS = 1_000;
const BAND_EVERY_MS = 500;
/** With a step each half second a million players take some four minutes, at a few milliseconds of either server a step. */
const BAND_PLAYERS = 2_000;
/** Between two passes over everything: a small board is not worth asking for all the time. */
const PASS_PAUSE_MS = 5_000;

interface Pass {
  readonly startedAtMs: number;
  readonly boards: string[];
  after: string;
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { compare, contents, truth, projector, keeper, announce, log, metrics } = options;
  const recent = createRecentPlayers(() => performance.now());
  const compared = metrics.counter('reconcile_compared_total', 'Players compared with the truth.', ['part']);
  const drifted = metrics.counter('reconcile_drift_total', 'Players whose entry in the index was wrong.', [
    'kind',
  ]);
  const repaired = metrics.counter('reconcile_repaired_total', 'Entries of the index put right.', ['kind']);
  for (const kind of DRIFT_KINDS) {
    drifted.inc({ kind }, 0);
    repaired.inc({ kind }, 0);
  }
  let passSeconds = 0;
  metrics.gauge('reconcile_pass_seconds', 'How long the last comparison of everybody took.', {
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
        await repairAll(epoch, leaderboard, await compare.confirm(epoch, leaderboard, known));
      }
    }
  }

  async function checkBand(): Promise<void> {
    const epoch = epochToCompare();
    if (epoch === undefined || recent.isFull() || performance.now() < nextPassAtMs) return;
    pass ??= { startedAtMs: performance.now(), boards: await truth.leaderboards(), after: '' };
    const [leaderboard] = pass.boards;
    if (leaderboard === undefined) return endPass(pass);
    const band = await truth.scan(leaderboard, pass.after, BAND_PLAYERS);
    compared.inc({ part: 'band' }, band.length);
    // Judged a moment later, together with the players of the last seconds: by then no write under way explains it.
    recent.addSuspects((await compare.suspects(epoch, leaderboard, band)) ?? []);
    pass.after = band.at(-1)?.userId ?? '';
    if (band.length === BAND_PLAYERS) return;
    await checkStrays(epoch, leaderboard);
    pass.boards.shift();
    pass.after = '';
    if (pass.boards.length === 0) endPass(pass);
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
    if (counts.inHash > players) await removeUnknownPlayers(epoch, leaderboard);
    if (counts.inOrder !== counts.inHash) await removeStrayPlaces(epoch, leaderboard);
  }

  async function removeUnknownPlayers(epoch: bigint, leaderboard: string): Promise<void> {
    let cursor = '0';
    do {
      const page = await contents.scanPlayers(epoch, leaderboard, cursor);
      cursor = page.cursor;
      await repairAll(epoch, leaderboard, await compare.unknownPlayers(epoch, leaderboard, page.userIds));
    } while (cursor !== '0');
  }

  async function removeStrayPlaces(epoch: bigint, leaderboard: string): Promise<void> {
    let cursor = '0';
    do {
      const page = await contents.scanStrays(epoch, leaderboard, cursor, 'remove');
      if (page === undefined) return;
      cursor = page.cursor;
      if (page.strays.length === 0) continue;
      drifted.inc({ kind: 'stray' }, page.strays.length);
      repaired.inc({ kind: 'stray' }, page.strays.length);
      log.error({ leaderboard, members: page.strays.slice(0, 10) }, 'the rank index had places of nobody');
      await showAnew(leaderboard);
    } while (cursor !== '0');
  }

  async function repairAll(
    epoch: bigint,
    leaderboard: string,
    drift: readonly Drift[] | undefined,
  ): Promise<void> {
    if (drift === undefined || drift.length === 0) return;
    for (const { kind } of drift) drifted.inc({ kind });
    log.error(
      { epoch: String(epoch), leaderboard, count: drift.length, first: describeDrift(drift[0]) },
      'the rank index differs from the truth: repairing it',
    );
    const wrong = drift.filter(({ kind }) => kind !== 'missing' && kind !== 'behind');
    await contents.repair(
      epoch,
      leaderboard,
      wrong.map(({ userId, held, truth: right }) => ({ userId, found: held, right })),
    );
    // Read again, since the truth may have moved on before the wrong entry was gone.
    const states = await truth.states(drift.map(({ userId }) => ({ leaderboard, userId })));
    const projected = await projector.project(states, keeper.state);
    if (!projected.every(({ complete }) => complete)) throw new Error('the repair could not be projected');
    for (const { kind } of drift) repaired.inc({ kind });
    for (const board of projected) await announce(board);
    if (states.length === 0) await showAnew(leaderboard);
  }

  async function forget(leaderboard: string, userId: string): Promise<void> {
    const epoch = epochToCompare();
    if (epoch === undefined) return;
    const gone = (await compare.unknownPlayers(epoch, leaderboard, [userId])) ?? [];
    await contents.repair(
      epoch,
      leaderboard,
      gone.map(({ held }) => ({ userId, found: held, right: undefined })),
    );
    await showAnew(leaderboard);
  }

  /** Projecting anybody who is there makes the script look at the top, and tell it when it changed. */
  async function showAnew(leaderboard: string): Promise<void> {
    const [anybody] = await truth.scan(leaderboard, '', 1);
    if (anybody === undefined) return;
    for (const board of await projector.project([anybody], keeper.state)) await announce(board);
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
    forget,
    start() {
      recentLoop.start();
      bandLoop.start();
    },
    async stop() {
      await Promise.all([recentLoop.stop(), bandLoop.stop()]);
    },
  };
}

function describeDrift(drift: Drift | undefined) {
  if (drift === undefined) return undefined;
  const { kind, userId, truth, held } = drift;
  return { kind, userId, truth: describeState(truth), index: held?.raw };
}

/** For the log and the operator. */
export function describeState(state: PlayerState | undefined): string {
  if (state === undefined) return '';
  return `points ${state.points} version ${state.version} reached ${state.reached} name ${state.username}`;
}
