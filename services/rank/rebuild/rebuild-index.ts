/**
 * Builds an announced epoch of the rank index beside the one that counts: waits for writers that do not know of it, fills it
 * from Postgres, and lets it take over. Rejects when the epoch did not take over; its contents are of no use then.
 */
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { IndexState } from '../../shared/values/board.ts';
import type { RankIndex } from '../index/rank-index.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import { awaitWriters } from './await-writers.ts';
import type { EpochStore } from './epoch-store.ts';
import type { KnownIndex } from './known-index.ts';
import { type LoadBoard, loadBoards } from './load-boards.ts';
import { createLoadIndex } from './load-index.ts';
import type { RecogniseRedis } from './recognise-redis.ts';

export interface Build {
  readonly epoch: bigint;
  /** The Redis process that the epoch is built in. */
  readonly runId: string;
  /** Where boards are read from meanwhile. */
  readonly source: IndexState['source'];
}

export interface RebuildIndexOptions {
  epochs: Pick<EpochStore, 'listWriters' | 'finishBuild'>;
  index: RankIndex;
  truth: TruthStore;
  known: Pick<KnownIndex, 'confirm'>;
  identify: RecogniseRedis['identify'];
  /** Called with each board after the epoch took over, so that viewers see it. */
  announce: (leaderboard: string) => Promise<void>;
  log: Log;
  metrics: Metrics;
}

const SECONDS_BUCKETS = [0.1, 0.5, 1, 2, 5, 10, 30, 60];

export type RebuildIndex = ReturnType<typeof createRebuildIndex>;

/** Boards announced at once. The next build waits for all of them, one after another some seconds with thousands of boards. */
const ANNOUNCED_AT_ONCE = 32;

export function createRebuildIndex(options: RebuildIndexOptions) {
  const { epochs, index, truth, known, identify, announce, log, metrics } = options;
  const load = createLoadIndex({ index, truth });
  const rebuildSeconds = metrics.histogram(
    'rank_index_rebuild_seconds',
    'Time to rebuild the rank index.',
    SECONDS_BUCKETS,
  );

  async function fill({ epoch, source }: Build, signal: AbortSignal) {
    // Boards are not read from Redis then, and a Redis that was full may have no room for two indexes.
    if (source === 'postgres') await index.clear(epoch);
    await awaitWriters(epochs.listWriters, signal);
    const leaderboards = await truth.leaderboards();
    const loadBoard: LoadBoard = (leaderboard, stops) => load(epoch, leaderboard, stops);
    return { leaderboards, players: await loadBoards(leaderboards, loadBoard, signal) };
  }

  /** Only while Redis is still the same process, and the build still ours. */
  async function takeOver({ epoch, runId }: Build): Promise<void> {
    const held = await identify();
    const askedAtMs = performance.now();
    if (held?.runId !== runId || !(await epochs.finishBuild(epoch, runId)))
      throw new Error('another Redis or another build took its place');
    await index.pointTo(epoch);
    index.trust(held.connection);
    known.confirm({ epoch, source: 'redis', building: undefined }, askedAtMs);
  }

  /** The epoch counts already, so a failure here is logged and changes nothing. */
  async function announceAll(leaderboards: readonly string[]): Promise<void> {
    const tell = (leaderboard: string) =>
      announce(leaderboard).catch((error: unknown) => {
        log.warn({ err: error, leaderboard }, 'a rebuilt board was not announced');
      });
    for (let start = 0; start < leaderboards.length; start += ANNOUNCED_AT_ONCE) {
      await Promise.all(leaderboards.slice(start, start + ANNOUNCED_AT_ONCE).map(tell));
    }
  }

  return async (build: Build, signal: AbortSignal): Promise<void> => {
    const epoch = String(build.epoch);
    const startedMs = performance.now();
    log.info({ epoch }, 'rebuilding the rank index');
    const { leaderboards, players } = await fill(build, signal);
    await takeOver(build);
    const seconds = (performance.now() - startedMs) / 1000;
    rebuildSeconds.observe(seconds);
    log.info({ epoch, players, seconds }, 'the rank index is rebuilt');
    await announceAll(leaderboards);
    await index.dropOlder(build.epoch).catch((error: unknown) => {
      log.warn({ err: error, epoch }, 'older epochs of the rank index were not removed');
    });
  };
}
