/**
 * Keeps the rank index honest. It watches whether Redis holds the epoch that Postgres says counts; when Redis is gone for
 * long, boards are read from Postgres under a new epoch; when Redis answers but holds something else (empty, restarted,
 * restored from an old copy), a new epoch is built beside it and takes over. Several processes may run a keeper: every
 * decision is a compare-and-set in Postgres, so two rebuilds never both win.
 */
import type { Log } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { RedisClient } from '../shared/redis.ts';
import { atMost } from './at-most.ts';
import type { IndexState } from './board.ts';
import type { EpochRow, EpochStore } from './epoch-store.ts';
import { createLoop } from './loop.ts';
import type { IndexIdentity, RankIndex } from './rank-index.ts';
import { type Build, createRebuildIndex } from './rebuild-index.ts';
import type { TruthStore } from './truth-store.ts';

export interface IndexKeeper {
  /** The newest state this process knows of. */
  readonly state: IndexState;
  /** False when Postgres has not confirmed for a while which index counts: what is read may be old. */
  vouches(): boolean;
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
/** A builder that died is replaced, or its build given up, after this. */
const BUILD_LEASE_MS = 5_000;
/**
 * After a build that failed, because Redis has no room for it or a writer did not end: meanwhile what waits is delivered
 * without it.
 */
const BUILD_PAUSE_MS = 2_000;

/** The build of this process. Beats go on beside it: they keep its lease, and vouch for boards. */
interface BuildUnderWay {
  readonly epoch: bigint;
  readonly aborting: AbortController;
  readonly ended: Promise<void>;
}

export function createIndexKeeper(options: IndexKeeperOptions): IndexKeeper {
  const { epochs, index, truth, redis, announce, log, metrics } = options;
  let state: IndexState = { epoch: 0n, source: 'postgres', building: undefined };
  let confirmedAtMs = -Infinity;
  let nextBuildAtMs = -Infinity;
  let underWay: BuildUnderWay | undefined;
  const rebuild = createRebuildIndex({ epochs, index, truth, takeOver, announce, log, metrics });
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
    if (redis.status !== 'ready') return undefined;
    return index.identity().catch((error: unknown) => {
      log.warn({ err: error }, 'redis does not answer, or takes no writes');
      return undefined;
    });
  }

  async function readTruth(): Promise<EpochRow> {
    const askedAtMs = performance.now();
    const row = await epochs.read();
    confirmedAtMs = askedAtMs;
    observe(row);
    return row;
  }

  async function look(): Promise<void> {
    const row = await readTruth();
    if (underWay !== undefined) await keepLease(underWay);
    const held = await identify();
    if (held === undefined) return leaveWhenGoneForLong(row);
    if (row.source === 'redis' && held.runId === row.redisRunId && held.epoch === row.epoch) {
      index.trust(held.connection);
      if (row.redisUnseenMs > BEAT_MS) await epochs.markSeen(row.epoch, row.redisRunId);
      return;
    }
    if (underWay === undefined && performance.now() >= nextBuildAtMs) await startBuild(row, held);
  }

  async function keepLease({ epoch, aborting }: BuildUnderWay): Promise<void> {
    const isOurs = await epochs.renewBuild(epoch, BUILD_LEASE_MS);
    if (!isOurs) aborting.abort(new Error('the build is no longer ours'));
  }

  async function leaveWhenGoneForLong(row: EpochRow): Promise<void> {
    if (row.buildLapsed && row.building !== undefined) return abandon(row.building);
    if (row.source !== 'redis' || row.redisUnseenMs < REDIS_PATIENCE_MS) return;
    if (await epochs.leaveRedis(row.epoch)) {
      log.error({ epoch: String(row.epoch) }, 'redis is gone: boards are read from postgres');
    }
    await readTruth();
  }

  async function abandon(building: bigint): Promise<void> {
    await epochs.abandonBuild(building);
    await readTruth();
  }

  async function startBuild(row: EpochRow, { runId }: IndexIdentity): Promise<void> {
    const epoch = await epochs.announceBuild(row.epoch, BUILD_LEASE_MS);
    if (epoch === undefined) return;
    const aborting = new AbortController();
    const ended = runBuild({ epoch, runId, source: row.source }, aborting.signal).finally(() => {
      underWay = undefined;
    });
    underWay = { epoch, aborting, ended };
  }

  /** Never rejects. */
  async function runBuild(build: Build, signal: AbortSignal): Promise<void> {
    const epoch = String(build.epoch);
    try {
      await rebuild(build, signal);
    } catch (error) {
      log.warn({ err: error, epoch }, 'the rank index could not be rebuilt');
      nextBuildAtMs = performance.now() + BUILD_PAUSE_MS;
      await abandon(build.epoch).catch((cause: unknown) => {
        log.warn({ err: cause, epoch }, 'the build was not abandoned: its lease will lapse');
      });
    }
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

  const loop = createLoop({ name: 'rank index keeper', everyMs: BEAT_MS, run: look, log });
  return {
    get state() {
      return state;
    },
    vouches: () => performance.now() - confirmedAtMs < VOUCHED_FOR_MS,
    fresh: readTruth,
    observe,
    wake() {
      // The build will put right what does not fit.
      if (underWay === undefined) loop.wake();
    },
    async start() {
      await readTruth();
      // Who looks at a small board right after a start sees it in the epoch in which it goes on.
      await atMost(
        START_PATIENCE_MS,
        loop.start().then(() => underWay?.ended),
      );
    },
    async stop() {
      await loop.stop();
      underWay?.aborting.abort(new Error('the process stops'));
      await underWay?.ended;
    },
  };
}
