/**
 * Which rank index counts, as far as this process knows: the newest state that was read from Postgres or came with a committed
 * batch. Readers and projections go by it; the index keeper keeps it current.
 */
import type { Log } from '../../shared/telemetry/log.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import type { IndexState } from '../../shared/values/board.ts';

/** Three beats of the keeper: viewers see within two seconds that their board may be old. */
const VOUCHED_FOR_MS = 1_500;

export class KnownIndex {
  readonly #log: Log;
  readonly #doubtListeners: (() => void)[] = [];
  #state: IndexState | undefined;
  #confirmedEpoch: bigint | undefined;
  #observedAtMs = -Infinity;
  #confirmedAtMs = -Infinity;

  constructor({ log, metrics }: { log: Log; metrics: Metrics }) {
    this.#log = log;
    metrics.gauge('rank_index_epoch', 'The epoch of the rank index that counts.', {
      collect: () => Number(this.#state?.epoch ?? 0n),
    });
    metrics.gauge('rank_index_from_redis', '1 while ranks come from Redis, 0 while from Postgres.', {
      collect: () => Number(this.redisEpoch !== undefined),
    });
  }

  /** Undefined until the first state is known. */
  get state(): IndexState | undefined {
    return this.#state;
  }

  /** The epoch whose boards are read from Redis; undefined while boards are read from Postgres. */
  get redisEpoch(): bigint | undefined {
    return this.#state?.source === 'redis' ? this.#state.epoch : undefined;
  }

  /** The greatest epoch that Postgres has confirmed. Only this one says that an older database was put in place. */
  get confirmedEpoch(): bigint | undefined {
    return this.#confirmedEpoch;
  }

  /** Takes a state that another service says it read, unless a later epoch is known. */
  observe(state: IndexState): void {
    if (this.#takeNewer(state)) this.#observedAtMs = performance.now();
  }

  /** Takes a state that Postgres answered to a query sent at `askedAtMs`. */
  confirm(state: IndexState, askedAtMs: number): void {
    this.#confirmedAtMs = askedAtMs;
    if (this.#confirmedEpoch !== undefined && state.epoch < this.#confirmedEpoch) return;
    this.#confirmedEpoch = state.epoch;
    // Postgres was asked after the state was observed: an epoch that it does not have is wrong.
    if (this.#observedAtMs < askedAtMs) this.#take(state);
    else this.#takeNewer(state);
  }

  #takeNewer(state: IndexState): boolean {
    const isNewer = this.#state === undefined || state.epoch >= this.#state.epoch;
    if (isNewer) this.#take(state);
    return isNewer;
  }

  #take({ epoch, source, building }: IndexState): void {
    if (epoch !== this.#state?.epoch) this.#log.info({ epoch: String(epoch), source }, 'rank index epoch');
    this.#state = { epoch, source, building };
  }

  /** False when Postgres has not confirmed for a while which index counts: what is read may be old. */
  vouches(): boolean {
    return this.confirmedMs() < VOUCHED_FOR_MS;
  }

  /** Milliseconds since Postgres was asked which index counts and answered. */
  confirmedMs(): number {
    return performance.now() - this.#confirmedAtMs;
  }

  /** Reports that an index did not answer as this state says, so that the keeper checks at once. */
  doubt(): void {
    for (const listener of this.#doubtListeners) listener();
  }

  onDoubt(listener: () => void): void {
    this.#doubtListeners.push(listener);
  }
}
