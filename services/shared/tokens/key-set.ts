/**
 * Public keys of one issuer, refreshed in the background and off the request path. At most one fetch is under way, and at most one
 * starts per cool-down, however many unknown key ids arrive. A set is used while its source is down, up to a limit. Our own
 * code, since jose's remote key set has no stale-if-error and no cool-down after failures.
 */
import { type CryptoKey, createLocalJWKSet, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';
import { AppError } from '../errors/app-error.ts';
import { createSingleFlight } from '../flow/single-flight.ts';
import type { Clock } from '../settings/clock.ts';
import type { Log } from '../telemetry/log.ts';

/** How long a set is used after the last answer of its source. Without a limit, a withdrawn key could be accepted for good. */
export const STALE_CAP_MS = 24 * 60 * 60 * 1000;
/** Least time between two fetches caused by requests, so that random key ids can't make us flood the source. */
export const FETCH_COOLDOWN_MS = 2_000;
/** First wait while there is no set; it doubles up to the cool-down. A process may start before its source. */
const FIRST_RETRY_MS = 250;
/** Most keys in one set; an issuer has a handful. */
const MAX_KEYS = 100;

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
  /** A shorter outage is not logged. */
  warnAfterMs?: number;
  /** Called with the ids of keys that were removed or replaced. */
  onKeysGone?: (keyIds: ReadonlySet<string>) => void;
}

export type KeySet = ReturnType<typeof createKeySet>;

interface Held {
  readonly json: string;
  readonly resolve: ReturnType<typeof createLocalJWKSet>;
  readonly fingerprints: ReadonlyMap<string, string>;
  heardAtMs: number;
}

/**
 * The key set in a text, or an error. `EdDSA` and `Ed25519` are two names of one algorithm: a key of either name verifies
 * tokens of both, which jose would tell apart.
 */
export function parseKeySet(json: string): JSONWebKeySet {
  const set = JSON.parse(json) as JSONWebKeySet;
  if (!Array.isArray(set?.keys)) throw new Error('the text is not a JSON Web Key Set');
  const keys = set.keys.map((key) => {
    const { alg, ...unnamed } = key ?? {};
    return unnamed.crv === 'Ed25519' ? unnamed : key;
  });
  return { ...set, keys };
}

/** Throws when the text is not a key set. */
function readKeySet(json: string, heardAtMs: number): Held {
  const set = parseKeySet(json);
  const resolve = createLocalJWKSet(set);
  if (set.keys.length > MAX_KEYS) throw new Error(`a key set of ${set.keys.length} keys`);
  const fingerprints = new Map(set.keys.map((key) => [String(key.kid ?? ''), JSON.stringify(key)]));
  return { json, resolve, fingerprints, heardAtMs };
}

function keysGone(before: Held, after: Held): Set<string> {
  const gone = new Set<string>();
  for (const [id, fingerprint] of before.fingerprints) {
    if (after.fingerprints.get(id) !== fingerprint) gone.add(id);
  }
  return gone;
}

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

/** Fetches at once, and again until `close`. */
export function createKeySet(options: KeySetOptions) {
  const { name, fetch, refreshMs, waitMs = 0, clock, log, warnAfterMs = 0, onKeysGone } = options;
  let held: Held | undefined;
  let generation = 0;
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let failures = 0;
  const outage = createOutage(warnAfterMs, clock);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function take(json: string): void {
    const now = clock.now();
    const before = held;
    if (before?.json === json) {
      before.heardAtMs = now;
      return;
    }
    const after = readKeySet(json, now);
    held = after;
    generation += 1;
    const gone = before === undefined ? new Set<string>() : keysGone(before, after);
    log.info({ keySet: name, keyIds: [...after.fingerprints.keys()], gone: [...gone] }, 'key set changed');
    if (gone.size > 0) onKeysGone?.(gone);
  }

  async function load(holdMs: number): Promise<void> {
    fetchedAtMs = clock.now();
    try {
      take(await fetch(holdMs));
      failures = 0;
      outage.end();
    } catch (error) {
      failures += 1;
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

/** The key, if exactly one matches the header's algorithm and key id. A key that can't be imported counts as missing. */
async function resolveKey(set: Held, header: JWSHeaderParameters): Promise<CryptoKey | undefined> {
  try {
    return await set.resolve(header);
  } catch {
    return undefined;
  }
}
