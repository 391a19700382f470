/**
 * Builds an announced epoch of the rank index beside the one that counts: waits for writers that do not know of it, fills it
 * from the truth, and lets it take over. Rejects when the epoch did not take over; what it holds is of no use then.
 */

import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { IndexState } from '../../shared/values/board.ts';
import type { RankIndex } from '../index/rank-index.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import { awaitWriters } from './await-writers.ts';
import type { EpochStore } from './epoch-store.ts';
import { createLoadIndex } from './load-index.ts';

export interface Build {
  readonly epoch: bigint;
  /** The Redis process that the epoch is built in. */
  readonly runId: string;
  /** Where boards are read from meanwhile. */
  readonly source: IndexState['source'];
}

export type RebuildIndex = (build: Build, signal: AbortSignal) => Promise<void>;

export interface RebuildIndexOptions {
  epochs: Pick<EpochStore, 'listWriters'>;
  index: RankIndex;
  truth: TruthStore;
  /** Makes the built epoch the one that counts, or rejects. */
  takeOver: (build: Build) => Promise<void>;
  /** Called with each board after a new epoch took over, so that viewers learn of it. */
  announce: (leaderboard: string) => Promise<void>;
  log: Log;
  metrics: Metrics;
}

export function createRebuildIndex(options: RebuildIndexOptions): RebuildIndex {
  const { epochs, index, truth, takeOver, announce, log, metrics } = options;
  const load = createLoadIndex({ index, truth });
  const rebuildSeconds = metrics.histogram(
    'rank_index_rebuild_seconds',
    'Time to rebuild the rank index.',
    [0.1, 0.5, 1, 2, 5, 10, 30, 60],
  );

  async function fill({ epoch, source }: Build, signal: AbortSignal) {
    // Nobody reads what is left there, and a Redis that was full may have no room for two.
    if (source === 'postgres') await index.clear(epoch);
    await awaitWriters(epochs.listWriters, signal);
    const leaderboards = await truth.leaderboards();
    let players = 0;
    for (const leaderboard of leaderboards) players += await load(epoch, leaderboard, signal);
    return { leaderboards, players };
  }

  /** The epoch counts already: a failure here is told, and changes nothing. */
  async function announceAll(leaderboards: readonly string[]): Promise<void> {
    for (const leaderboard of leaderboards) {
      await announce(leaderboard).catch((error: unknown) => {
        log.warn({ err: error, leaderboard }, 'a rebuilt board was not announced');
      });
    }
  }

  return async (build, signal) => {
    const epoch = String(build.epoch);
    const started = performance.now();
    log.info({ epoch }, 'rebuilding the rank index');
    const { leaderboards, players } = await fill(build, signal);
    await takeOver(build);
    const seconds = (performance.now() - started) / 1000;
    rebuildSeconds.observe(seconds);
    log.info({ epoch, players, seconds }, 'the rank index is rebuilt');
    await announceAll(leaderboards);
    await index.dropOlder(build.epoch).catch((error: unknown) => {
      log.warn({ err: error, epoch }, 'older epochs of the rank index were not removed');
    });
  };
}
