/**
 * Keeps the rank index honest. It watches whether Redis holds the epoch that Postgres says counts; when Redis is gone for
 * long, boards are read from Postgres under a new epoch; when Redis answers but holds something else (empty, restarted,
 * restored from an old copy), a new epoch is built beside it and takes over. Several processes may run a keeper: every
 * decision is a compare-and-set in Postgres, so two rebuilds never both win.
 */

import { atMost } from '../../shared/flow/at-most.ts';
import { createLoop } from '../../shared/flow/loop.ts';
import { describePostgresTrouble, POSTGRES_READ_ONLY } from '../../shared/stores/postgres.ts';
import { describeRedisTrouble, NOT_CONNECTED, type RedisClient } from '../../shared/stores/redis.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { IndexState } from '../../shared/values/board.ts';
import type { IndexIdentity, RankIndex } from '../index/rank-index.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import type { EpochRow, EpochStore } from './epoch-store.ts';
import { createIndexBuilder } from './index-builder.ts';
import { type Build, createRebuildIndex } from './rebuild-index.ts';

export interface IndexKeeper {
  /** The newest state this process knows of. */
  readonly state: IndexState;
  /** False when Postgres has not confirmed for a while which index counts: what is read may be old. */
  vouches(): boolean;
  /** Why each server does not serve the index and its truth; undefined while it does. */
  troubles(): { readonly postgres: string | undefined; readonly redis: string | undefined };
  /** The state that counts, read after this call. */
  fresh(): Promise<IndexState>;
  /** A state that came with a committed batch; kept when it is newer. */
  observe(state: IndexState): void;
  /** Looks at once instead of at the next beat: something did not fit. */
  wake(): void;
  /** Resolves with the first state that was read from Postgres. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface IndexKeeperOptions {
  epochs: EpochStore;
  index: RankIndex;
  truth: TruthStore;
  redis: Pick<RedisClient, 'status'>;
  /** Called with each board after a new epoch took over, so that viewers learn of it. */
  announce: (leaderboard: string) => Promise<void>;
  log: Log;
  metrics: Metrics;
}

const BEAT_MS = 500;
/** A start waits so long for an index that has to be built first, and then goes on with boards from Postgres. */
const START_PATIENCE_MS = 1_000;
/** Three beats: viewers hear within two seconds that nobody vouches for their board. */
const VOUCHED_FOR_MS = 1_500;
/** Redis may be away this long before boards are read from Postgres: longer than a restart, shorter than patience. */
const REDIS_PATIENCE_MS = 3_000;

export function createIndexKeeper(options: IndexKeeperOptions): IndexKeeper {
  const { epochs, index, truth, redis, announce, log, metrics } = options;
  let state: IndexState = { epoch: 0n, source: 'postgres', building: undefined };
  let confirmedAtMs = -Infinity;
  let postgresTrouble: string | undefined;
  let redisTrouble: string | undefined = NOT_CONNECTED;
  const rebuild = createRebuildIndex({ epochs, index, truth, takeOver, announce, log, metrics });
  const builder = createIndexBuilder({ epochs, rebuild, abandon, log });
  metrics.gauge('rank_index_epoch', 'The epoch of the rank index that counts.', {
    collect: () => Number(state.epoch),
  });
  metrics.gauge('rank_index_from_redis', '1 while ranks come from Redis, 0 while from Postgres.', {
    collect: () => Number(state.source === 'redis'),
  });

  function observe(next: IndexState): void {
    if (next.epoch < state.epoch) return;
    if (next.epoch > state.epoch)
      log.info({ epoch: String(next.epoch), source: next.source }, 'rank index epoch');
    state = { epoch: next.epoch, source: next.source, building: next.building };
  }

  async function identify(): Promise<IndexIdentity | undefined> {
    if (redis.status !== 'ready') {
      redisTrouble = NOT_CONNECTED;
      return undefined;
    }
    try {
      const held = await index.identity();
      redisTrouble = undefined;
      return held;
    } catch (error) {
      redisTrouble = describeRedisTrouble(error);
      log.debug({ err: error }, 'redis does not answer, or takes no writes');
      return undefined;
    }
  }

  async function readRow(): Promise<EpochRow> {
    const askedAtMs = performance.now();
    const row = await epochs.read().catch((error: unknown) => {
      postgresTrouble = describePostgresTrouble(error);
      throw error;
    });
    confirmedAtMs = askedAtMs;
    postgresTrouble = row.readOnly ? POSTGRES_READ_ONLY : undefined;
    observe(row);
    return row;
  }

  async function readTruth(): Promise<EpochRow> {
    const known = state.epoch;
    const row = await readRow();
    if (row.epoch >= known) return row;
    // A committed epoch is gone, so an older state of the database was put in its place.
    log.error({ epoch: String(row.epoch), known: String(known) }, 'the database was restored');
    return raiseEpoch(row, known);
  }

  /** Boards are read from Postgres under an epoch of which no viewer has seen any. */
  async function raiseEpoch({ epoch }: EpochRow, known: bigint): Promise<EpochRow> {
    await epochs.readFromPostgres(epoch, known);
    return readRow();
  }

  async function look(): Promise<void> {
    const row = await readTruth();
    await builder.keepLease();
    const held = await identify();
    if (held === undefined) return leaveWhenGoneForLong(row);
    const isKnown = row.source === 'redis' && held.runId === row.redisRunId && held.epoch === row.epoch;
    if (isKnown && !(await isAheadOfTruth(row))) {
      index.trust(held.connection);
      if (row.redisUnseenMs > BEAT_MS) await markSeen(row);
      return;
    }
    await builder.start(row, held.runId);
  }

  async function markSeen({ epoch, redisRunId }: EpochRow): Promise<void> {
    const seenAt = await epochs.markSeen(epoch, redisRunId);
    if (seenAt !== undefined) await index.noteSeen(epoch, seenAt);
  }

  /**
   * Redis keeps a time only after Postgres has committed it. A later one than Postgres has means that an older state of the
   * database was restored, and that the index holds players' states that are not to be. (Or that the database's clock jumped
   * back; then the index is rebuilt once for nothing.)
   */
  async function isAheadOfTruth(row: EpochRow): Promise<boolean> {
    const seenAt = await index.seenAt(row.epoch);
    if (seenAt <= row.redisSeenAt || seenAt <= (await readTruth()).redisSeenAt) return false;
    log.error({ epoch: String(row.epoch) }, 'the rank index is ahead of the database, which was restored');
    return true;
  }

  async function leaveWhenGoneForLong(row: EpochRow): Promise<void> {
    if (row.buildLapsed && row.building !== undefined) return abandon(row.building);
    if (row.source !== 'redis' || row.redisUnseenMs < REDIS_PATIENCE_MS) return;
    if (await epochs.readFromPostgres(row.epoch, state.epoch)) {
      log.error({ epoch: String(row.epoch) }, 'redis is gone: boards are read from postgres');
    }
    await readTruth();
  }

  async function abandon(building: bigint): Promise<void> {
    await epochs.abandonBuild(building);
    await readTruth();
  }

  /** Only while it is still the same Redis, and ours to finish. */
  async function takeOver({ epoch, runId }: Build): Promise<void> {
    const held = await identify();
    if (held?.runId !== runId || !(await epochs.finishBuild(epoch, runId)))
      throw new Error('the rebuild was overtaken');
    await index.pointTo(epoch);
    index.trust(held.connection);
    observe({ epoch, source: 'redis', building: undefined });
  }

  /**
   * The database may have been restored since boards were last read from it: viewers may have seen later ones under its
   * epoch. A board from Redis is safe: another Redis, or one that is ahead of the database, leads to a new epoch.
   */
  async function startUnderNewEpoch(): Promise<void> {
    const row = await readTruth();
    if (row.source === 'postgres') await raiseEpoch(row, row.epoch);
  }

  const vouches = () => performance.now() - confirmedAtMs < VOUCHED_FOR_MS;
  const loop = createLoop({ name: 'rank index keeper', everyMs: BEAT_MS, run: look, log });
  return {
    get state() {
      return state;
    },
    vouches,
    troubles: () => ({
      postgres: postgresTrouble ?? (vouches() ? undefined : 'it does not answer'),
      redis: redisTrouble ?? (state.source === 'redis' ? undefined : 'the rank index is being built'),
    }),
    fresh: readTruth,
    observe,
    wake() {
      // The build will put right what does not fit.
      if (!builder.isBuilding) loop.wake();
    },
    async start() {
      await startUnderNewEpoch();
      // Who looks at a small board right after a start sees it in the epoch in which it goes on.
      await atMost(
        START_PATIENCE_MS,
        loop.start().then(() => builder.ended()),
      );
    },
    async stop() {
      await loop.stop();
      await builder.stop();
    },
  };
}
