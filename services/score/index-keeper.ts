/**
 * Keeps the rank index honest. It watches whether Redis holds the epoch that Postgres says counts; when Redis is gone for
 * long, boards are read from Postgres under a new epoch; when Redis answers but holds something else (empty, restarted,
 * restored from an old copy), a new epoch is built beside it and takes over. Several processes may run a keeper: every
 * decision is a compare-and-set in Postgres, so two rebuilds never both win.
 */
import type { Log } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { RedisClient } from '../shared/redis.ts';
import type { IndexState } from './board.ts';
import type { EpochRow, EpochStore } from './epoch-store.ts';
import { createLoadIndex } from './load-index.ts';
import { createLoop } from './loop.ts';
import type { IndexIdentity, RankIndex } from './rank-index.ts';
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
/** Three beats: viewers hear within two seconds that nobody vouches for their board. */
const VOUCHED_FOR_MS = 1_500;
/** Redis may be away this long before boards are read from Postgres: longer than a restart, shorter than patience. */
const REDIS_PATIENCE_MS = 3_000;
/** A builder that died is replaced, or its build given up, after this. */
const BUILD_LEASE_MS = 5_000;
const BUILD_RENEW_MS = BUILD_LEASE_MS / 5;
/** After a build that failed, a Redis without room for it for example: meanwhile what waits is delivered without it. */
const BUILD_PAUSE_MS = 2_000;

export function createIndexKeeper(options: IndexKeeperOptions): IndexKeeper {
  const { epochs, index, truth, redis, announce, log, metrics } = options;
  let state: IndexState = { epoch: 0n, source: 'postgres', building: undefined };
  let confirmedAtMs = -Infinity;
  let nextBuildAtMs = -Infinity;
  const load = createLoadIndex({ index, truth });
  const rebuildSeconds = metrics.histogram(
    'rank_index_rebuild_seconds',
    'Time to rebuild the rank index.',
    [0.1, 0.5, 1, 2, 5, 10, 30, 60],
  );
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
    const held = await identify();
    if (held === undefined) return leaveWhenGoneForLong(row);
    if (row.source === 'redis' && held.runId === row.redisRunId && held.epoch === row.epoch) {
      index.trust(held.connection);
      if (row.redisUnseenMs > BEAT_MS) await epochs.markSeen(row.epoch, row.redisRunId);
      return;
    }
    if (performance.now() >= nextBuildAtMs) await rebuild(held.runId, row.source);
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

  async function rebuild(runId: string, source: IndexState['source']): Promise<void> {
    const build = await epochs.announceBuild(BUILD_LEASE_MS);
    if (build === undefined) return;
    const started = performance.now();
    log.info({ epoch: String(build.epoch) }, 'rebuilding the rank index');
    try {
      // Nobody reads what is left there, and a Redis that was full may have no room for two.
      if (source === 'postgres') await index.clear(build.epoch);
      // From here on every writer also writes to the new epoch; only those that started earlier do not know of it.
      while (!(await epochs.everyWriterKnows(build.transaction)))
        await new Promise((resolve) => setImmediate(resolve));
      const leaderboards = await truth.leaderboards();
      const players = await loadAll(build.epoch, leaderboards);
      await takeOver(build.epoch, runId);
      const seconds = (performance.now() - started) / 1000;
      rebuildSeconds.observe(seconds);
      log.info({ epoch: String(build.epoch), players, seconds }, 'the rank index is rebuilt');
      for (const leaderboard of leaderboards) await announce(leaderboard);
    } catch (error) {
      log.warn({ err: error, epoch: String(build.epoch) }, 'the rank index could not be rebuilt');
      nextBuildAtMs = performance.now() + BUILD_PAUSE_MS;
      return abandon(build.epoch);
    }
    await index.dropOlder(build.epoch);
  }

  async function loadAll(epoch: bigint, leaderboards: readonly string[]): Promise<number> {
    let players = 0;
    let renewedAtMs = performance.now();
    const keepLease = async () => {
      if (performance.now() - renewedAtMs < BUILD_RENEW_MS) return;
      if (!(await epochs.renewBuild(epoch, BUILD_LEASE_MS)))
        throw new Error('another process took over the rebuild');
      renewedAtMs = performance.now();
      // Meanwhile no beat comes, and boards must not seem old for that.
      await readTruth();
    };
    for (const leaderboard of leaderboards) players += await load(epoch, leaderboard, keepLease);
    return players;
  }

  /** Only while it is still the same Redis, and ours to finish. */
  async function takeOver(epoch: bigint, runId: string): Promise<void> {
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
    wake: () => loop.wake(),
    async start() {
      await readTruth();
      loop.start();
    },
    stop: () => loop.stop(),
  };
}
