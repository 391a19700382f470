/**
 * Keeps the rank index honest. It watches whether Redis holds the epoch that Postgres says counts; when Redis is gone for
 * long, boards are read from Postgres under a new epoch; when Redis answers but holds something else (empty, restarted,
 * restored from an old copy), a new epoch is built beside it and takes over. Several processes may run a keeper: every
 * decision is a compare-and-set in Postgres, so two rebuilds never both win.
 */
import type { Log } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { RedisClient } from '../shared/redis.ts';
import type { IndexState, PlayerState } from './board.ts';
import type { EpochRow, EpochStore } from './epoch-store.ts';
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
/** A builder that died is replaced after this. */
const BUILD_LEASE_MS = 5_000;
const BUILD_RENEW_MS = BUILD_LEASE_MS / 5;
/** Players read at once for the rebuild: large enough to be fast, small enough not to hold up live scripts for long. */
const PAGE = 2_000;
/** Players written by one script, so that Redis works on some while the next are being encoded. */
const WRITE = 500;

export function createIndexKeeper(options: IndexKeeperOptions): IndexKeeper {
  const { epochs, index, truth, redis, announce, log, metrics } = options;
  let state: IndexState = { epoch: 0n, source: 'postgres', building: undefined };
  let confirmedAtMs = -Infinity;
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
      log.warn({ err: error }, 'redis does not answer');
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
    await rebuild(held.runId);
  }

  async function leaveWhenGoneForLong(row: EpochRow): Promise<void> {
    if (row.source !== 'redis' || row.redisUnseenMs < REDIS_PATIENCE_MS) return;
    if (await epochs.leaveRedis(row.epoch)) {
      log.error({ epoch: String(row.epoch) }, 'redis is gone: boards are read from postgres');
    }
    await readTruth();
  }

  async function rebuild(runId: string): Promise<void> {
    const build = await epochs.announceBuild(BUILD_LEASE_MS);
    if (build === undefined) return;
    const started = performance.now();
    log.info({ epoch: String(build.epoch) }, 'rebuilding the rank index');
    // From here on every writer also writes to the new epoch; only those that started earlier do not know of it.
    while (!(await epochs.everyWriterKnows(build.transaction)))
      await new Promise((resolve) => setImmediate(resolve));
    const leaderboards = await truth.leaderboards();
    let players = 0;
    for (const leaderboard of leaderboards) players += await load(build.epoch, leaderboard);
    const held = await identify();
    if (held?.runId !== runId || !(await epochs.finishBuild(build.epoch, runId))) {
      log.warn({ epoch: String(build.epoch) }, 'the rebuild was overtaken');
      return;
    }
    await index.pointTo(build.epoch);
    index.trust(held.connection);
    observe({ epoch: build.epoch, source: 'redis', building: undefined });
    const seconds = (performance.now() - started) / 1000;
    rebuildSeconds.observe(seconds);
    log.info({ epoch: String(build.epoch), players, seconds }, 'the rank index is rebuilt');
    for (const leaderboard of leaderboards) await announce(leaderboard);
    await index.dropOlder(build.epoch);
  }

  /** Reads one page while the one before is written. */
  async function load(epoch: bigint, leaderboard: string): Promise<number> {
    let count = 0;
    let renewedAtMs = performance.now();
    let page: PlayerState[] = await truth.scan(leaderboard, '', PAGE);
    while (page.length > 0) {
      const last = page.at(-1);
      const isLast = page.length < PAGE || last === undefined;
      const [next] = await Promise.all([
        isLast ? [] : truth.scan(leaderboard, last.userId, PAGE),
        write(epoch, leaderboard, page),
      ]);
      count += page.length;
      if (isLast || performance.now() - renewedAtMs > BUILD_RENEW_MS) {
        if (!(await epochs.renewBuild(epoch, BUILD_LEASE_MS)))
          throw new Error('another process took over the rebuild');
        renewedAtMs = performance.now();
      }
      page = next;
    }
    return count;
  }

  async function write(epoch: bigint, leaderboard: string, page: readonly PlayerState[]): Promise<void> {
    const starts = Array.from({ length: Math.ceil(page.length / WRITE) }, (_, part) => part * WRITE);
    await Promise.all(
      starts.map((start) => index.projectShadow(epoch, leaderboard, page.slice(start, start + WRITE))),
    );
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
