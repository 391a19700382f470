/**
 * Puts right what a comparison of the rank index with the truth found wrong. What is behind goes through the same versioned
 * projection as a live score, what is wrong at the right version changes places in one step, and what the truth does not
 * know is taken out. Viewers are told of every board that this changed.
 */

import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { PlayerState, Projected } from '../../shared/values/board.ts';
import type { IndexContents } from '../index/index-contents.ts';
import type { Projector } from '../project/projector.ts';
import type { IndexKeeper } from '../rebuild/index-keeper.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import { type CompareIndex, DRIFT_KINDS, type Drift } from './compare-index.ts';

export interface RepairIndex {
  /** Nothing to do when the comparison was `undefined`: the epoch no longer counts. */
  repairAll(epoch: bigint, leaderboard: string, drift: readonly Drift[] | undefined): Promise<void>;
  removeUnknownPlayers(epoch: bigint, leaderboard: string): Promise<void>;
  /** Members of the order that belong to nobody. */
  removeStrayPlaces(epoch: bigint, leaderboard: string): Promise<void>;
  /** Takes a player out whom the truth no longer knows, and shows the board without, whether or not anything was there. */
  forget(epoch: bigint, leaderboard: string, userId: string): Promise<void>;
}

export interface RepairIndexOptions {
  compare: Pick<CompareIndex, 'unknownPlayers'>;
  contents: IndexContents;
  truth: Pick<TruthStore, 'states' | 'scan'>;
  projector: Projector;
  keeper: Pick<IndexKeeper, 'state'>;
  /** Tells viewers of a board that a repair changed. Never rejects. */
  announce: (projected: Projected) => Promise<void>;
  log: Log;
  metrics: Metrics;
}

export function createRepairIndex(options: RepairIndexOptions): RepairIndex {
  const { compare, contents, truth, projector, keeper, announce, log, metrics } = options;
  const drifted = metrics.counter('reconcile_drift_total', 'Players whose entry in the index was wrong.', [
    'kind',
  ]);
  const repaired = metrics.counter('reconcile_repaired_total', 'Entries of the index put right.', ['kind']);
  for (const kind of DRIFT_KINDS) {
    drifted.inc({ kind }, 0);
    repaired.inc({ kind }, 0);
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
    if (states.length > 0) {
      const projected = await projector.project(leaderboard, states, keeper.state);
      if (!projected.complete) throw new Error('the repair could not be projected');
      await announce(projected);
    } else await showAnew(leaderboard);
    for (const { kind } of drift) repaired.inc({ kind });
  }

  async function forget(epoch: bigint, leaderboard: string, userId: string): Promise<void> {
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
    await announce(await projector.project(leaderboard, [anybody], keeper.state));
  }

  return { repairAll, removeUnknownPlayers, removeStrayPlaces, forget };
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
