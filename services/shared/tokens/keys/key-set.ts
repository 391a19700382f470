/**
 * Public keys of one issuer, refreshed in the background and off the request path. At most one fetch is under way, and at most one
 * starts per cool-down, however many unknown key ids arrive. A set is used while its source is down, up to a limit. Our own
 * code, since jose's remote key set has no stale-if-error and no cool-down after failures.
 */
import type { CryptoKey, JWSHeaderParameters } from 'jose';
import { AppError } from '../../errors/app-error.ts';
import { createSingleFlight } from '../../flow/single-flight.ts';
import type { Clock } from '../../settings/clock.ts';
import type { Log } from '../../telemetry/log.ts';
import { type Held, keysGone, readKeySet, resolveKey } from './held-keys.ts';

/** How long a set is used after the last answer of its source. Without a limit, a withdrawn key could be accepted for good. */
export const STALE_CAP_MS = 24 * 60 * 60 * 1000;
/** Least time between two fetches caused by requests, so that random key ids can't make us flood the source. */
export const FETCH_COOLDOWN_MS = 2_000;
/** First wait while there is no set; it doubles up to the cool-down. A process may start before its source. */
const FIRST_RETRY_MS = 250;

export interface KeySetOptions {
  /** For the log. */
  name: string;
  /**
   * Gets the JSON Web Key Set as text, within a time limit of its own. The source may hold the answer for `waitMs` while
   * nothing changes.
   */
  fetch: (waitMs: number) => Promise<string>;
  /** Between two refreshes in the background; from beginning to beginning if the source holds its answers. */
  refreshMs: number;
  /** How long the source may hold the answer to a refresh. By default it answers at once. */
  waitMs?: number;
  clock: Clock;
  log: Log;
  /** How long an answer without a usable key counts as a failure of the source. By default it withdraws the keys at once. */
  keepThroughEmptyMs?: number;
  /** A shorter outage is not logged. */
  warnAfterMs?: number;
  /** Called with the ids of keys that were removed or replaced. */
  onKeysGone?: (keyIds: ReadonlySet<string>) => void;
  /** Called for each fetch that brought no key set. */
  onFailed?: () => void;
}

export type KeySet = ReturnType<typeof createKeySet>;

/** One line for each outage that lasts, not one for each try. */
function createOutage(warnAfterMs: number, clock: Clock) {
  let sinceMs: number | undefined;
  let isLogged = false;
  return {
    /** Called at each failure: true once, when the outage is long enough to be logged. */
    isNews(): boolean {
      sinceMs ??= clock.now();
      if (isLogged || clock.now() - sinceMs < warnAfterMs) return false;
      isLogged = true;
      return true;
    },
    end(): void {
      sinceMs = undefined;
      isLogged = false;
    },
  };
}

/** Throws at a set without a usable key, until the source has sent none for so long. */
function createRefuseEmpty(keepMs: number, clock: Clock) {
  let sinceMs: number | undefined;
  return ({ isUsable }: Held): void => {
    sinceMs = isUsable ? undefined : (sinceMs ?? clock.now());
    if (sinceMs !== undefined && clock.now() - sinceMs < keepMs) {
      throw new Error('the key set has no key that verifies signatures: the last keys stay in use for now');
    }
  };
}

/** Fetches at once, and again until `close`. */
export function createKeySet(options: KeySetOptions) {
  const { name, fetch, refreshMs, waitMs = 0, keepThroughEmptyMs = 0, clock, log, warnAfterMs = 0 } = options;
  let held: Held | undefined;
  let generation = 0;
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let failures = 0;
  const outage = createOutage(warnAfterMs, clock);
  const refuseEmpty = createRefuseEmpty(keepThroughEmptyMs, clock);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function take(json: string): void {
    const now = clock.now();
    const before = held;
    if (before?.json === json) {
      before.heardAtMs = now;
      refuseEmpty(before);
      return;
    }
    const after = readKeySet(json, now);
    refuseEmpty(after);
    held = after;
    generation += 1;
    const gone = before === undefined ? new Set<string>() : keysGone(before, after);
    log.info({ keySet: name, keyIds: [...after.fingerprints.keys()], gone: [...gone] }, 'key set changed');
    if (gone.size > 0) options.onKeysGone?.(gone);
  }

  async function load(holdMs: number): Promise<void> {
    fetchedAtMs = clock.now();
    try {
      take(await fetch(holdMs));
      failures = 0;
      outage.end();
    } catch (error) {
      failures += 1;
      options.onFailed?.();
      // The message of an AppError is for players; its cause says what happened.
      const cause = error instanceof AppError ? (error.cause ?? error) : error;
      if (outage.isNews()) log.warn({ keySet: name, err: cause }, 'key set could not be fetched');
    }
  }

  const loading = createSingleFlight(() => load(0));

  /** For requests: joins the fetch under way, or starts one unless the last one is within the cool-down. */
  async function refreshOnDemand(): Promise<void> {
    const sinceMs = clock.now() - fetchedAtMs;
    // A negative time means that the clock was set back; waiting for it to catch up could take hours.
    const coolingDown = sinceMs >= 0 && sinceMs < FETCH_COOLDOWN_MS;
    if (!loading.isRunning && (coolingDown || closed)) return;
    await loading.join();
  }

  function usable(): Held | undefined {
    return held !== undefined && clock.now() - held.heardAtMs <= STALE_CAP_MS ? held : undefined;
  }

  function nextDelayMs(beganMs: number): number {
    if (failures === 0)
      return waitMs === 0 ? refreshMs : Math.max(0, beganMs + refreshMs - performance.now());
    return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), FETCH_COOLDOWN_MS);
  }

  async function keepFresh(): Promise<void> {
    const beganMs = performance.now();
    // No request may join a fetch whose answer is held.
    await (waitMs > 0 && failures === 0 && held !== undefined ? load(waitMs) : loading.join());
    if (closed) return;
    timer = setTimeout(() => void keepFresh(), nextDelayMs(beganMs));
    timer.unref();
  }

  void keepFresh();
  return {
    /** The one key that a token's header names, or undefined. Refuses with AUTH_UNAVAILABLE when there is no set. */
    async find(header: JWSHeaderParameters): Promise<CryptoKey | undefined> {
      if (usable() === undefined) await refreshOnDemand();
      const first = usable();
      if (first === undefined) throw new AppError('AUTH_UNAVAILABLE', { retryAfterMs: FETCH_COOLDOWN_MS });
      const key = await resolveKey(first, header);
      if (key !== undefined) return key;
      // The key may have been published since the last fetch.
      await refreshOnDemand();
      return held === undefined || held === first ? undefined : resolveKey(held, header);
    },
    /** True while there is a set that is not too old to use. */
    held: (): boolean => usable() !== undefined,
    /** False when the set has no key of this id. A token without a key id may belong to any key. */
    knows: (keyId: string): boolean => keyId === '' || held === undefined || held.fingerprints.has(keyId),
    /** The set as its source sent it. */
    json: (): string | undefined => usable()?.json,
    /** Grows whenever the keys change. */
    get generation(): number {
      return generation;
    },
    close(): void {
      closed = true;
      clearTimeout(timer);
    },
  };
}
