/**
 * The top of one leaderboard, cached for a moment and shared by all readers. There is one reading from rank at a time; a
 * request that has to wait gets the next reading to start, so an answer is never older than its request.
 */
import type { GetTopResponse, RankService } from '../../../gen/scoreboard/rank/v1/rank_pb.ts';
import { createSingleFlight } from '../../../services/shared/flow/single-flight.ts';
import type { GrpcClient } from '../../../services/shared/grpc/grpc.ts';
import {
  isAfter,
  latest,
  type Position,
  positionFromWire,
} from '../../../services/shared/values/position.ts';

export interface CachedTop {
  readonly entries: GetTopResponse['entries'];
  readonly position: Position | undefined;
  /** A JSON array of {username, score}, best first. */
  readonly bytes: Buffer;
  /** True while freshness can't be confirmed. */
  readonly stale: boolean;
}

export interface CachedBoardOptions {
  readonly leaderboard: string;
  readonly rank: Pick<GrpcClient<typeof RankService>, 'getTop'>;
  readonly monotonicMs: () => number;
  /** Called before each reading. */
  readonly onReading: (board: CachedBoard) => void;
  /** Called once, when the first reading with a score succeeds. */
  readonly onFirstScore: (board: CachedBoard) => void;
  /** Called after each reading. */
  readonly onRead: (outcome: 'ok' | 'failed') => void;
}

/** How old a board may be for readers who did not write through this edge. */
const FRESH_MS = 100;
/** From this age on the next reading starts in the background, so that readers of a busy board never wait for one. */
const REFRESH_FROM_MS = 50;
/** How long a board is served after rank last answered. */
const STALE_LIMIT_MS = 5 * 60_000;
/** While rank does not answer, it is asked this often. */
const RETRY_AFTER_MS = 250;
const READ_LIMIT_MS = 1_000;
/** Entries of a cached top. */
export const CACHED_TOP_SIZE = 10;

interface Kept extends CachedTop {
  readonly readAtMs: number;
}

export class CachedBoard {
  readonly leaderboard: string;
  /** Whether a reading had a score. */
  hasScores = false;
  readonly #options: CachedBoardOptions;
  #kept: Kept | undefined;
  /** The newest position that `#kept` includes. */
  #included: Position | undefined;
  /** The newest position that a writer through this edge was told. */
  #told: Position | undefined;
  /** Set while readings fail. Requests then fail at once, or get the last known top, until a retry succeeds. */
  #failure: { readonly error: unknown; readonly retryAtMs: number } | undefined;
  readonly #reading = createSingleFlight(() => this.#read());
  #refreshing = false;
  #waiting = 0;
  #giveBack: (() => void) | undefined;

  constructor(options: CachedBoardOptions) {
    this.leaderboard = options.leaderboard;
    this.#options = options;
  }

  /** The top that needs no wait, or undefined. While rank does not answer: the last known top, or the error is thrown. */
  current(): CachedTop | undefined {
    const nowMs = this.#options.monotonicMs();
    if (this.#failure !== undefined) {
      // In the background: rank may hang rather than refuse, and no request should wait for that.
      if (nowMs >= this.#failure.retryAtMs) this.#refresh();
      return this.#lastKnown(this.#failure.error);
    }
    const kept = this.#kept;
    if (kept === undefined || isAfter(this.#told, this.#included)) return undefined;
    const ageMs = nowMs - kept.readAtMs;
    if (ageMs >= FRESH_MS) return undefined;
    if (ageMs >= REFRESH_FROM_MS) this.#refresh();
    return kept;
  }

  /**
   * Waits for the next reading. `takePlace` is called if no other request waits; what it returns is called when none waits
   * any more.
   */
  wait(takePlace: () => (() => void) | undefined): Promise<CachedTop> {
    if (this.#waiting === 0) this.#giveBack = takePlace();
    this.#waiting += 1;
    return this.#reading.fresh().finally(() => {
      this.#waiting -= 1;
      if (this.#waiting > 0) return;
      this.#giveBack?.();
      this.#giveBack = undefined;
    });
  }

  /** From now on no older top than this is served. */
  observe(position: Position): void {
    this.#told = latest(position, this.#told);
  }

  /** Starts a reading that no request waits for. `onRead` reports its failure. */
  #refresh(): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    const done = () => {
      this.#refreshing = false;
    };
    this.#reading.fresh().then(done, done);
  }

  async #read(): Promise<CachedTop> {
    const { leaderboard, rank, monotonicMs, onReading, onFirstScore, onRead } = this.#options;
    const readAtMs = monotonicMs();
    const told = this.#told;
    const failure = this.#failure;
    if (failure !== undefined && readAtMs < failure.retryAtMs) return this.#lastKnown(failure.error);
    onReading(this);
    try {
      const top = await rank.getTop({ leaderboard, limit: CACHED_TOP_SIZE }, { limitMs: READ_LIMIT_MS });
      onRead('ok');
      const { entries, stale } = top;
      const position = positionFromWire(top.position);
      const body = entries.map(({ username, score: points }) => ({ username, score: Number(points) }));
      const kept = { entries, position, bytes: Buffer.from(JSON.stringify(body)), stale, readAtMs };
      if (!this.hasScores && entries.length > 0) {
        this.hasScores = true;
        onFirstScore(this);
      }
      this.#kept = kept;
      this.#failure = undefined;
      // Rank answered after the writer was answered, so the top includes `told`, even if its own position is lower: an index
      // that was lost and is rebuilt counts from another epoch.
      this.#included = latest(told, position);
      return kept;
    } catch (error) {
      onRead('failed');
      this.#failure = { error, retryAtMs: monotonicMs() + RETRY_AFTER_MS };
      return this.#lastKnown(error);
    }
  }

  #lastKnown(error: unknown): CachedTop {
    const kept = this.#kept;
    if (kept === undefined || this.#options.monotonicMs() - kept.readAtMs > STALE_LIMIT_MS) throw error;
    return { ...kept, stale: true };
  }
}
