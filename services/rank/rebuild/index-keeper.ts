/**
 * Keeps the rank index usable. Twice a second it checks whether Redis holds the epoch that Postgres says counts. When Redis
 * is away for long, boards are read from Postgres under a new epoch. When Redis answers but holds something else (it is empty,
 * restarted, or restored from an old copy), a new epoch is built beside the old one and takes over. Several processes may run
 * a keeper: every decision is a compare-and-set in Postgres, so two rebuilds never both win.
 */
import { Deadline } from '../../shared/flow/deadline.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import type { RedisClient } from '../../shared/stores/redis/redis.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { IndexState } from '../../shared/values/board.ts';
import type { RankIndex } from '../index/rank-index.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import { createCurrentEpoch } from './current-epoch.ts';
import type { EpochRow, EpochStore } from './epoch-store.ts';
import { createIndexBuilder } from './index-builder.ts';
import type { KnownIndex } from './known-index.ts';
import { createRebuildIndex } from './rebuild-index.ts';
import { createRecogniseRedis } from './recognise-redis.ts';

export interface IndexKeeperOptions {
  epochs: EpochStore;
  index: RankIndex;
  truth: TruthStore;
  redis: Pick<RedisClient, 'status'>;
  known: KnownIndex;
  /** Called with each board after a new epoch took over, so that viewers see it. */
  announce: (leaderboard: string) => Promise<void>;
  log: Log;
  metrics: Metrics;
}

const BEAT_MS = 500;
/** A start waits this long for an index that must be built first, and then continues with boards from Postgres. */
const START_PATIENCE_MS = 1_000;
/** Redis may be away this long before boards are read from Postgres: longer than a restart, shorter than patience. */
const REDIS_PATIENCE_MS = 3_000;

export type IndexKeeper = ReturnType<typeof createIndexKeeper>;

export function createIndexKeeper(options: IndexKeeperOptions) {
  const { epochs, index, truth, redis, known, announce, log, metrics } = options;
  const current = createCurrentEpoch({ epochs, known, log });
  const recognise = createRecogniseRedis({ epochs, index, redis, current, log });
  const { identify } = recognise;
  const rebuild = createRebuildIndex({ epochs, index, truth, known, identify, announce, log, metrics });
  const builder = createIndexBuilder({ epochs, rebuild, abandon: current.abandonBuild, log });

  async function check(): Promise<void> {
    const row = await current.read();
    await builder.keepLease();
    const held = await recognise.identify();
    if (held === undefined) return leaveWhenAwayForLong(row);
    if (!(await recognise.holdsIndex(row, held))) return builder.start(row, held.runId);
    index.trust(held.connection);
    if (row.redisUnseenMs > BEAT_MS) await recognise.markSeen(row);
  }

  async function leaveWhenAwayForLong(row: EpochRow): Promise<void> {
    if (row.buildLapsed && row.building !== undefined) return current.abandonBuild(row.building);
    if (row.source === 'redis' && row.redisUnseenMs >= REDIS_PATIENCE_MS) await current.leaveRedis(row);
  }

  const loop = createLoop({ name: 'rank index keeper', everyMs: BEAT_MS, run: check, log });
  known.onDoubt(() => {
    // A build under way repairs whatever gave rise to the doubt.
    if (!builder.isBuilding) loop.wake();
  });

  return {
    /** Why each server does not serve the index; undefined while it does. */
    troubles: () => ({
      postgres: current.trouble() ?? (known.vouches() ? undefined : 'it does not answer'),
      redis:
        recognise.trouble() ?? (known.redisEpoch === undefined ? 'the rank index is being built' : undefined),
    }),
    /** The state that counts, read after this call. */
    fresh: (): Promise<IndexState> => current.read(),
    /** Rejects when Postgres does not say which index counts. */
    async start(): Promise<void> {
      await current.start();
      // A small board that is read right after a start then has the epoch in which it continues.
      const built = loop.start().then(() => builder.ended());
      await Deadline.after(START_PATIENCE_MS).race(built, () => {});
    },
    async stop(): Promise<void> {
      await loop.stop();
      await builder.stop();
    },
  };
}
