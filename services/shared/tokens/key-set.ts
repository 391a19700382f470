/**
 * Public keys of one issuer, kept fresh in the background and off the request path. Promises: at most one fetch under
 * way, at most one per cool-down however many unknown key ids arrive, and a set that was once held goes on being used
 * while its source is down, up to a cap. Our own wrapper, since jose's has no stale-if-error and no failure cool-down.
 */
import { type CryptoKey, createLocalJWKSet, type JSONWebKeySet, type JWSHeaderParameters } from 'jose';
import { AppError } from '../errors/app-error.ts';
import type { Clock } from '../settings/clock.ts';
import type { Log } from '../telemetry/log.ts';

/** How long a set is used after its source was last heard. Without a cap, a withdrawn key could live on for ever. */
export const STALE_CAP_MS = 24 * 60 * 60 * 1000;
/** Least time between two fetches that requests ask for, so that random key ids can't make us flood the source. */
export const FETCH_COOLDOWN_MS = 2_000;
/** First wait while no set is held; it doubles up to the cool-down. A process may start before its source does. */
const FIRST_RETRY_MS = 250;
/** Most keys in one set; an issuer has a handful. */
const MAX_KEYS = 100;

export interface KeySetOptions {
  /** For the log. */
  name: string;
  /** Gets the JSON Web Key Set as text, within a time limit of its own. */
  fetch: () => Promise<string>;
  /** Between two refreshes in the background. */
  refreshMs: number;
  clock: Clock;
  log: Log;
  /** Told the ids of keys that were held and no longer are, or stand for another key now. */
  onKeysGone?: (keyIds: ReadonlySet<string>) => void;
}

export interface KeySet {
  /** The one key that a token's header names, or undefined. Refuses with AUTH_UNAVAILABLE when no set is held. */
  find(header: JWSHeaderParameters): Promise<CryptoKey | undefined>;
  /** True while a set is held that is not too old to use. */
  held(): boolean;
  /** False when the set that is held lacks a key of this id; a token that names no key may be of any. */
  knows(keyId: string): boolean;
  /** The set as its source gave it. */
  json(): string | undefined;
  /** Grows whenever the keys change. */
  readonly generation: number;
  close(): void;
}

interface Held {
  readonly json: string;
  readonly resolve: ReturnType<typeof createLocalJWKSet>;
  readonly fingerprints: ReadonlyMap<string, string>;
  heardAtMs: number;
}

/** Parses what the source sent. Throws when it is not a key set. */
function readKeySet(json: string, heardAtMs: number): Held {
  const set = JSON.parse(json) as JSONWebKeySet;
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

/** Starts to fetch at once and goes on until `close`. */
export function createKeySet({ name, fetch, refreshMs, clock, log, onKeysGone }: KeySetOptions): KeySet {
  let held: Held | undefined;
  let generation = 0;
  let inFlight: Promise<void> | undefined;
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let failures = 0;
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

  async function load(): Promise<void> {
    fetchedAtMs = clock.now();
    try {
      take(await fetch());
      failures = 0;
    } catch (error) {
      // One line per outage, not one per try.
      if (failures === 0) log.warn({ keySet: name, err: error }, 'key set could not be fetched');
      failures += 1;
    } finally {
      inFlight = undefined;
    }
  }

  function refresh(): Promise<void> {
    inFlight ??= load();
    return inFlight;
  }

  /** For requests: joins the fetch under way, or starts one unless the last was a moment ago. */
  async function refreshOnDemand(): Promise<void> {
    const sinceMs = clock.now() - fetchedAtMs;
    // A negative time means that the clock was set back; waiting for it to catch up could take hours.
    const coolingDown = sinceMs >= 0 && sinceMs < FETCH_COOLDOWN_MS;
    if (inFlight === undefined && (coolingDown || closed)) return;
    await refresh();
  }

  function usable(): Held | undefined {
    return held !== undefined && clock.now() - held.heardAtMs <= STALE_CAP_MS ? held : undefined;
  }

  function nextDelayMs(): number {
    if (failures === 0) return refreshMs;
    return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), FETCH_COOLDOWN_MS);
  }

  async function keepFresh(): Promise<void> {
    await refresh();
    if (closed) return;
    timer = setTimeout(() => void keepFresh(), nextDelayMs());
    timer.unref();
  }

  void keepFresh();
  return {
    async find(header) {
      if (usable() === undefined) await refreshOnDemand();
      const first = usable();
      if (first === undefined) throw new AppError('AUTH_UNAVAILABLE', { retryAfterMs: FETCH_COOLDOWN_MS });
      const key = await resolveKey(first, header);
      if (key !== undefined) return key;
      // Perhaps a key that was published since.
      await refreshOnDemand();
      return held === undefined || held === first ? undefined : resolveKey(held, header);
    },
    held: () => usable() !== undefined,
    knows: (keyId) => keyId === '' || held === undefined || held.fingerprints.has(keyId),
    json: () => usable()?.json,
    get generation() {
      return generation;
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** The key when exactly one fits the header's algorithm and key id. One that can't be read is as good as none. */
async function resolveKey(set: Held, header: JWSHeaderParameters): Promise<CryptoKey | undefined> {
  try {
    return await set.resolve(header);
  } catch {
    return undefined;
  }
}
