/**
 * Repairs differences that a comparison of the rank index with Postgres found. Players who are behind go through the same versioned
 * projection as a live score. Entries that are wrong at the right version are replaced in one step. Players whom Postgres does
 * not have are removed. New names count as no fault. Viewers get every board that this changed.
 */
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import { type PlayerState, type Projected, toScore } from '../../shared/values/board.ts';
import type { IndexContents } from '../index/index-contents.ts';
import type { Projector } from '../project/projector.ts';
import type { KnownIndex } from '../rebuild/known-index.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import { type CompareIndex, DRIFT_KINDS, type Drift, isNameOnly } from './compare-index.ts';

export interface RepairIndexOptions {
  compare: Pick<CompareIndex, 'unknownPlayers'>;
  contents: IndexContents;
  truth: Pick<TruthStore, 'states' | 'scan'>;
  projector: Projector;
  known: Pick<KnownIndex, 'state'>;
  /** Publishes a board that a repair changed. Never rejects. */
  announce: (projected: Projected) => Promise<void>;
  log: Log;
  metrics: Metrics;
}

export type RepairIndex = ReturnType<typeof createRepairIndex>;

export function createRepairIndex(options: RepairIndexOptions) {
  const { compare, contents, truth, projector, known, announce, log, metrics } = options;
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

  /** Removes members of the sorted set that belong to no player. */
  async function removeStrayPlaces(epoch: bigint, leaderboard: string): Promise<void> {
    let cursor = '0';
    do {
      const page = await contents.scanStrays(epoch, leaderboard, cursor, 'remove');
      if (page === undefined) return;
      cursor = page.cursor;
      if (page.strays.length === 0) continue;
      drifted.inc({ kind: 'stray' }, page.strays.length);
      repaired.inc({ kind: 'stray' }, page.strays.length);
      log.error(
        { leaderboard, members: page.strays.slice(0, 10) },
        'the rank index had places that belong to no player: removed them',
      );
      await announceTop(leaderboard);
    } while (cursor !== '0');
  }

  /** Does nothing when the comparison was `undefined`, because the epoch no longer counts. */
  async function repairAll(
    epoch: bigint,
    leaderboard: string,
    drift: readonly Drift[] | undefined,
  ): Promise<void> {
    if (drift === undefined || drift.length === 0) return;
    const faults = drift.filter((each) => !isNameOnly(each));
    for (const { kind } of faults) drifted.inc({ kind });
    if (faults.length > 0) {
      log.error(
        { epoch: String(epoch), leaderboard, count: faults.length, first: describeDrift(faults[0]) },
        'the rank index differs from Postgres: repairing it',
      );
    }
    const wrong = drift.filter(({ kind }) => kind !== 'missing' && kind !== 'behind');
    await contents.repair(
      epoch,
      leaderboard,
      wrong.map(({ userId, held, truth: right }) => ({ userId, found: held, right })),
    );
    // Read again, since a score may have been committed before the wrong entry was removed.
    const states = await truth.states(drift.map(({ userId }) => ({ leaderboard, userId })));
    if (states.length > 0) {
      const projected = await project(leaderboard, states);
      if (!projected.complete) throw new Error('the repair could not be projected');
      await announce(projected);
    } else await announceTop(leaderboard);
    for (const { kind } of faults) repaired.inc({ kind });
  }

  /** Removes a player whom Postgres no longer has, and shows the board without the player even if the index had no entry. */
  async function forget(epoch: bigint, leaderboard: string, userId: string): Promise<void> {
    const gone = (await compare.unknownPlayers(epoch, leaderboard, [userId])) ?? [];
    await contents.repair(
      epoch,
      leaderboard,
      gone.map(({ held }) => ({ userId, found: held, right: undefined })),
    );
    await announceTop(leaderboard);
  }

  /** Projecting any player of the board makes the script compare the top, and return it if it changed. */
  async function announceTop(leaderboard: string): Promise<void> {
    const [anyPlayer] = await truth.scan(leaderboard, '', 1);
    if (anyPlayer === undefined) return;
    await announce(await project(leaderboard, [anyPlayer]));
  }

  function project(leaderboard: string, states: readonly PlayerState[]): Promise<Projected> {
    if (known.state === undefined) throw new Error('it is not known which rank index counts');
    return projector.project(leaderboard, states, known.state);
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
  return `points ${toScore(state.points)} version ${state.version} reached ${state.reached} name ${state.username}`;
}
