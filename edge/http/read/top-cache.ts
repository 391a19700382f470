/**
 * The top of each board, as it is and as encoded bytes, kept for a moment and shared by all readers. A submission answered
 * through this edge names the board it led to, and an older one is no longer served from then on: who wrote through here
 * reads it here. Anybody may ask for a board that does not exist, so boards without a score are kept apart from the others:
 * made-up names push out nothing but each other.
 */

import type { GetTopResponse, RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { AppError } from '../../../services/shared/errors/app-error.ts';
import { type Coalescer, createCoalescer } from '../../../services/shared/flow/coalescer.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import { createShares } from '../../../services/shared/net/shares.ts';
import type { Metrics } from '../../../services/shared/telemetry/metrics.ts';

export interface CachedTop extends Pick<GetTopResponse, 'entries' | 'position'> {
  /** A JSON array of {username, score}, best first. */
  readonly bytes: Buffer;
  /** True when freshness can't be vouched for. */
  readonly stale: boolean;
}

interface Position {
  readonly epoch: bigint;
  readonly seq: bigint;
}

export interface TopCache {
  /**
   * At once while fresh, else after one shared reading. While rank is away, the last known top marked stale. Refuses with
   * OVERLOADED when too many boards without a score are being read, of all or of these holders.
   */
  get(leaderboard: string, holders?: readonly string[]): CachedTop | Promise<CachedTop>;
  /** A position that an answer was part of. */
  observe(position: Position & { readonly leaderboard: string }): void;
}

export interface TopCacheOptions {
  rank: Pick<GrpcClient<typeof RankService>, 'getTop'>;
  metrics: Metrics;
  monotonicMs?: () => number;
}

/** How old a board may be for those who did not write through this edge. */
const FRESH_MS = 100;
/** From this age on the next reading is under way already, so that readers of a busy board never wait for one. */
const REFRESH_FROM_MS = 50;
/** A board is served for this long after rank last answered. */
const STALE_LIMIT_MS = 5 * 60_000;
/** While rank is away, it is asked again this often. */
const RETRY_AFTER_MS = 250;
/** Boards with a score, and as many without. */
const MAX_BOARDS = 1_000;
/** Boards without a score that are read at once, at 0.2 ms of processor time on either side: a tenth of a second of work. */
const MAX_EMPTY_READINGS = 500;
const RETRY_OVERLOADED_MS = 1_000;
const READ_DEADLINE_MS = 1_000;
/** Entries of a top that is kept. */
export const CACHED_TOP_SIZE = 10;
/** All who wait share one reading, so this only bounds memory. */
const MAX_WAITING = 20_000;

interface Kept extends CachedTop {
  readonly readAt: number;
}

interface Slot {
  readonly leaderboard: string;
  /** A score was seen on this board. */
  hasScores: boolean;
  /** Requests that wait for a reading, and what gives back the place that they take together. */
  waiting: number;
  giveBack: (() => void) | undefined;
  kept: Kept | undefined;
  /** The newest position that `kept` includes, and the newest that a writer was told of. */
  included: Position;
  told: Position;
  outdated: boolean;
  /** A reading was asked for that nobody waits for. */
  refreshing: boolean;
  /** Set while readings fail: whoever asks hears of it at once, and the next reading is due then. */
  failure: { readonly error: unknown; readonly retryAt: number } | undefined;
  /** One reading at a time. Who asks while it runs gets the next one: an answer is never older than its question. */
  readonly reader: Coalescer<undefined, CachedTop>;
}

const START: Position = { epoch: 0n, seq: 0n };

const isOlder = (a: Position, b: Position) => a.epoch < b.epoch || (a.epoch === b.epoch && a.seq < b.seq);
const newer = (a: Position, b: Position) => (isOlder(a, b) ? b : a);

export function createTopCache(options: TopCacheOptions): TopCache {
  const { rank, metrics, monotonicMs = () => performance.now() } = options;
  const readings = metrics.counter('edge_top_readings_total', 'Readings of a top from rank.', ['outcome']);
  const withScores = new Map<string, Slot>();
  const empty = new Map<string, Slot>();
  const emptyReadings = createShares(MAX_EMPTY_READINGS);
  const find = (leaderboard: string) => withScores.get(leaderboard) ?? empty.get(leaderboard);

  function open(leaderboard: string): Slot {
    const slot: Slot = {
      leaderboard,
      hasScores: false,
      waiting: 0,
      giveBack: undefined,
      kept: undefined,
      included: START,
      told: START,
      outdated: false,
      refreshing: false,
      failure: undefined,
      reader: createCoalescer({
        maxBatch: MAX_WAITING,
        maxInFlight: 1,
        maxQueue: MAX_WAITING,
        send: async (waiting) => {
          const top = await read(slot);
          return waiting.map(() => top);
        },
      }),
    };
    touch(slot);
    return slot;
  }

  /** Moves a slot to the end of its line, and drops the one that was read longest ago. */
  function touch(slot: Slot): void {
    const { leaderboard } = slot;
    const slots = slot.hasScores ? withScores : empty;
    slots.delete(leaderboard);
    slots.set(leaderboard, slot);
    if (slots.size <= MAX_BOARDS) return;
    const [oldest = leaderboard] = slots.keys();
    slots.delete(oldest);
  }

  async function read(slot: Slot): Promise<CachedTop> {
    const { leaderboard } = slot;
    const readAt = monotonicMs();
    const { told, failure } = slot;
    if (failure !== undefined && readAt < failure.retryAt) return lastKnown(slot, failure.error);
    touch(slot);
    try {
      const top = await rank.getTop(
        { leaderboard, limit: CACHED_TOP_SIZE },
        { deadlineMs: READ_DEADLINE_MS },
      );
      readings.inc({ outcome: 'ok' });
      const body = top.entries.map(({ username, score: points }) => ({ username, score: Number(points) }));
      const { entries, position, stale } = top;
      const kept = { entries, position, bytes: Buffer.from(JSON.stringify(body)), stale, readAt };
      if (!slot.hasScores && entries.length > 0) {
        empty.delete(leaderboard);
        slot.hasScores = true;
        touch(slot);
      }
      slot.kept = kept;
      slot.failure = undefined;
      // Rank answered after that writer had been answered, so what the writer was told of is in it, whatever the count
      // says: an index that was lost may count from another epoch.
      slot.included = newer(told, top.position ?? START);
      slot.outdated = isOlder(slot.included, slot.told);
      return kept;
    } catch (error) {
      readings.inc({ outcome: 'failed' });
      slot.failure = { error, retryAt: monotonicMs() + RETRY_AFTER_MS };
      return lastKnown(slot, error);
    }
  }

  function lastKnown({ kept }: Slot, error: unknown): CachedTop {
    if (kept === undefined || monotonicMs() - kept.readAt > STALE_LIMIT_MS) throw error;
    return { ...kept, stale: true };
  }

  /** All who wait for a board without a score take one place, in the name of the first. */
  function ask(slot: Slot, holders: readonly string[]): Promise<CachedTop> {
    if (!slot.hasScores && slot.waiting === 0) {
      slot.giveBack = emptyReadings.take(holders);
      if (slot.giveBack === undefined)
        throw new AppError('OVERLOADED', { retryAfterMs: RETRY_OVERLOADED_MS });
    }
    slot.waiting += 1;
    return slot.reader.submit(undefined).finally(() => {
      slot.waiting -= 1;
      if (slot.waiting > 0) return;
      slot.giveBack?.();
      slot.giveBack = undefined;
    });
  }

  /** Reads without anybody waiting; a failure is counted where it happens. */
  function refresh(slot: Slot): void {
    if (slot.refreshing) return;
    slot.refreshing = true;
    const done = () => {
      slot.refreshing = false;
    };
    slot.reader.submit(undefined).then(done, done);
  }

  return {
    get(leaderboard, holders = []) {
      const slot = find(leaderboard) ?? open(leaderboard);
      const { kept, failure } = slot;
      const now = monotonicMs();
      if (failure !== undefined) {
        // Rank may hang rather than refuse, so finding out when it is back is nobody's wait.
        if (now >= failure.retryAt) refresh(slot);
        return lastKnown(slot, failure.error);
      }
      if (kept === undefined || slot.outdated) return ask(slot, holders);
      const ageMs = now - kept.readAt;
      if (ageMs >= FRESH_MS) return ask(slot, holders);
      if (ageMs >= REFRESH_FROM_MS) refresh(slot);
      return kept;
    },
    observe({ leaderboard, epoch, seq }) {
      const slot = find(leaderboard);
      if (slot === undefined || !isOlder(slot.told, { epoch, seq })) return;
      slot.told = { epoch, seq };
      slot.outdated = isOlder(slot.included, slot.told);
    },
  };
}
