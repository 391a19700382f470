/**
 * The top of each board, as it is and as encoded bytes, kept for a moment and shared by all readers. A submission answered
 * through this edge names the board it led to, and an older one is no longer served from then on: who wrote through here
 * reads it here.
 */
import type { GetTopResponse, ScoreService } from '../../gen/scoreboard/score/v1/score_pb.ts';
import { type Coalescer, createCoalescer } from '../../services/shared/coalescer.ts';
import type { GrpcClient } from '../../services/shared/grpc.ts';
import type { Metrics } from '../../services/shared/metrics.ts';

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
  /** At once while fresh, else after one shared reading. While score is away, the last known top marked stale. */
  get(leaderboard: string): CachedTop | Promise<CachedTop>;
  /** A position that an answer was part of. */
  observe(position: Position & { readonly leaderboard: string }): void;
}

export interface TopCacheOptions {
  score: Pick<GrpcClient<typeof ScoreService>, 'getTop'>;
  metrics: Metrics;
  monotonicMs?: () => number;
}

/** How old a board may be for those who did not write through this edge. */
const FRESH_MS = 100;
/** From this age on the next reading is under way already, so that readers of a busy board never wait for one. */
const REFRESH_FROM_MS = 50;
/** A board is served for this long after score last answered. */
const STALE_LIMIT_MS = 5 * 60_000;
/** While score is away, it is asked again this often. */
const RETRY_AFTER_MS = 250;
const MAX_BOARDS = 1_000;
const READ_DEADLINE_MS = 1_000;
/** Entries of a top that is kept. */
export const CACHED_TOP_SIZE = 10;
/** All who wait share one reading, so this only bounds memory. */
const MAX_WAITING = 20_000;

interface Kept extends CachedTop {
  readonly readAt: number;
}

interface Slot {
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
  const { score, metrics, monotonicMs = () => performance.now() } = options;
  const readings = metrics.counter('edge_top_readings_total', 'Readings of a top from score.', ['outcome']);
  const slots = new Map<string, Slot>();

  function open(leaderboard: string): Slot {
    const slot: Slot = {
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
          const top = await read(leaderboard, slot);
          return waiting.map(() => top);
        },
      }),
    };
    touch(leaderboard, slot);
    return slot;
  }

  /** Moves a slot to the end of the line, and drops the one that was read longest ago. */
  function touch(leaderboard: string, slot: Slot): void {
    slots.delete(leaderboard);
    slots.set(leaderboard, slot);
    if (slots.size <= MAX_BOARDS) return;
    const [oldest = leaderboard] = slots.keys();
    slots.delete(oldest);
  }

  async function read(leaderboard: string, slot: Slot): Promise<CachedTop> {
    const readAt = monotonicMs();
    const { told, failure } = slot;
    if (failure !== undefined && readAt < failure.retryAt) return lastKnown(slot, failure.error);
    touch(leaderboard, slot);
    try {
      const top = await score.getTop(
        { leaderboard, limit: CACHED_TOP_SIZE },
        { deadlineMs: READ_DEADLINE_MS },
      );
      readings.inc({ outcome: 'ok' });
      const body = top.entries.map(({ username, score: points }) => ({ username, score: Number(points) }));
      const { entries, position, stale } = top;
      const kept = { entries, position, bytes: Buffer.from(JSON.stringify(body)), stale, readAt };
      slot.kept = kept;
      slot.failure = undefined;
      // Score answered after that writer had been answered, so what the writer was told of is in it, whatever the count
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
    get(leaderboard) {
      const slot = slots.get(leaderboard) ?? open(leaderboard);
      const { kept, failure } = slot;
      const now = monotonicMs();
      if (failure !== undefined) {
        // Score may hang rather than refuse, so finding out when it is back is nobody's wait.
        if (now >= failure.retryAt) refresh(slot);
        return lastKnown(slot, failure.error);
      }
      if (kept === undefined || slot.outdated) return slot.reader.submit(undefined);
      const ageMs = now - kept.readAt;
      if (ageMs >= FRESH_MS) return slot.reader.submit(undefined);
      if (ageMs >= REFRESH_FROM_MS) refresh(slot);
      return kept;
    },
    observe({ leaderboard, epoch, seq }) {
      const slot = slots.get(leaderboard);
      if (slot === undefined || !isOlder(slot.told, { epoch, seq })) return;
      slot.told = { epoch, seq };
      slot.outdated = isOlder(slot.included, slot.told);
    },
  };
}
