/**
 * The signing keys as the running service uses them. Looks at the files four times a second, so that a rotation or a
 * withdrawal at the terminal takes effect without a restart; a file that can't be read leaves the keys as they were.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { type CryptoKey, importJWK, type JWK } from 'jose';
import type { Clock } from '../../shared/settings/clock.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { TOKEN_ALGORITHM } from '../../shared/tokens/token-policy.ts';
import { KEY_KINDS, type KeyKind, keysVersion, readKeys } from './key-file.ts';
import { liveKeys, type StoredKey, signingKey } from './key-schedule.ts';
import { ACTION_SECRET_BYTES, ensureKeys } from './key-store.ts';

/** How soon a change of the files is seen: one `stat` of each small file. With a verifier's refresh it stays below a second. */
export const POLL_MS = 250;

export interface TokenSigner {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

export interface ActionKey {
  readonly kid: string;
  readonly secret: KeyObject;
}

export interface KeyRing {
  /** The key that signs tokens now. */
  tokenSigner(): TokenSigner;
  /** The public key of a live token key. */
  tokenVerifier(kid: string): CryptoKey | undefined;
  /** Every live token key's public part, as a JSON Web Key Set. */
  jwksJson(): string;
  /** The key that signs actions now. */
  actionSigner(): ActionKey;
  actionKey(kid: string): ActionKey | undefined;
  /** Of every live action key. */
  actionKeyIds(): readonly string[];
  /** Whether both kinds have a key that may sign at this moment. */
  canSign(): boolean;
  /** Whether the files could be read when they were last looked at. */
  isCurrent(): boolean;
  /** Looks at the files and the clock now instead of at the next turn. */
  refresh(): Promise<void>;
  close(): void;
}

interface TokenKey extends TokenSigner {
  readonly publicKey: CryptoKey;
  readonly publicJwk: JWK;
}

async function importTokenKey({ kid, jwk }: StoredKey): Promise<TokenKey> {
  const { kty, crv, x, y } = jwk;
  const publicJwk = { kty, crv, x, y, kid, use: 'sig', alg: TOKEN_ALGORITHM } as JWK;
  const privateKey = (await importJWK(jwk, TOKEN_ALGORITHM)) as CryptoKey;
  const publicKey = (await importJWK(publicJwk, TOKEN_ALGORITHM)) as CryptoKey;
  if (privateKey.type !== 'private') throw new Error(`token key ${kid} has no private part`);
  return { kid, privateKey, publicKey, publicJwk };
}

async function importActionKey({ kid, jwk }: StoredKey): Promise<ActionKey> {
  const secret = createSecretKey(String(jwk.k ?? ''), 'base64url');
  if ((secret.symmetricKeySize ?? 0) < ACTION_SECRET_BYTES) throw new Error(`action key ${kid} is too short`);
  return { kid, secret };
}

/** One kind of keys: what the file said last, what lives at this moment, and which of it signs. */
async function openShelf<Key>(
  dir: string,
  kind: KeyKind,
  clock: Clock,
  use: (key: StoredKey) => Promise<Key>,
) {
  let version: string | undefined;
  let stored: StoredKey[] = [];
  let imported = new Map<string, Key>();
  let live = new Map<string, Key>();
  let signer: Key | undefined;

  async function reload(): Promise<void> {
    const seen = keysVersion(dir, kind);
    if (seen === undefined) throw new Error(`the file of ${kind} keys is gone`);
    if (seen === version) return;
    const keys = readKeys(dir, kind);
    // Every key must work before any of them counts.
    const next = await Promise.all(keys.map(async (key) => [key.kid, await use(key)] as const));
    stored = keys;
    imported = new Map(next);
    version = seen;
  }

  /** Keys begin and end by the clock, also when no file changes. */
  function settle(): void {
    const now = clock.now();
    live = new Map();
    for (const { kid } of liveKeys(stored, now)) {
      const key = imported.get(kid);
      if (key !== undefined) live.set(kid, key);
    }
    signer = live.get(signingKey(stored, now)?.kid ?? '');
  }

  async function refresh(): Promise<void> {
    try {
      await reload();
    } finally {
      settle();
    }
  }

  await refresh();
  return {
    refresh,
    get: (kid: string): Key | undefined => live.get(kid),
    all: (): Key[] => [...live.values()],
    canSign: () => signer !== undefined,
    signer(): Key {
      if (signer === undefined) throw new Error(`no ${kind} key may sign at this moment`);
      return signer;
    },
  };
}

export interface KeyRingOptions {
  dir: string;
  clock: Clock;
  log: Log;
}

/** Makes the first keys where there are none, loads them, and follows the files until `close`. */
export async function openKeyRing({ dir, clock, log }: KeyRingOptions): Promise<KeyRing> {
  const made = await ensureKeys(dir);
  if (made.length > 0) {
    log.warn(
      { dir, kinds: made },
      'no signing keys found, new ones made: what other keys signed is not accepted',
    );
  }
  const tokens = await openShelf(dir, 'token', clock, importTokenKey);
  const actions = await openShelf(dir, 'action', clock, importActionKey);
  let failing = false;
  let jwksJson = '';
  let inFlight: Promise<void> | undefined;

  async function load(): Promise<void> {
    const results = await Promise.allSettled([tokens.refresh(), actions.refresh()]);
    jwksJson = JSON.stringify({ keys: tokens.all().map(({ publicJwk }) => publicJwk) });
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined && !failing) log.error({ err: failed.reason }, 'keys could not be read again');
    failing = failed !== undefined;
    inFlight = undefined;
  }

  function refresh(): Promise<void> {
    inFlight ??= load();
    return inFlight;
  }

  await refresh();
  log.info({ dir, kinds: KEY_KINDS }, 'keys loaded');
  const timer = setInterval(() => void refresh(), POLL_MS);
  timer.unref();
  return {
    tokenSigner: tokens.signer,
    tokenVerifier: (kid) => tokens.get(kid)?.publicKey,
    jwksJson: () => jwksJson,
    actionSigner: actions.signer,
    actionKey: actions.get,
    actionKeyIds: () => actions.all().map(({ kid }) => kid),
    canSign: () => tokens.canSign() && actions.canSign(),
    isCurrent: () => !failing,
    refresh,
    close: () => clearInterval(timer),
  };
}
