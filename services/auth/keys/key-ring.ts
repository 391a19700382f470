/**
 * The signing keys that the running service uses. `refresh` checks the files, so that a rotation or withdrawal by the operator
 * takes effect without a restart. A file that can't be read leaves the keys as they were.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { type CryptoKey, importJWK, type JWK } from 'jose';
import { createSingleFlight } from '../../shared/flow/single-flight.ts';
import type { Clock } from '../../shared/settings/clock.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { createOperatorLog, type LogOperatorAction } from '../../shared/telemetry/operator-log.ts';
import { TOKEN_ALGORITHM } from '../../shared/tokens/rules/token-policy.ts';
import { KEY_KINDS, type KeyKind, keysOwner, keysVersion, readKeys } from './key-file.ts';
import { liveKeys, type StoredKey, signingKey } from './key-schedule.ts';
import { ACTION_SECRET_BYTES, ensureKeys } from './key-store.ts';

export interface TokenSigner {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

export interface ActionKey {
  readonly kid: string;
  readonly secret: KeyObject;
}

export type KeyRing = Awaited<ReturnType<typeof openKeyRing>>;

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

interface ShelfOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly logAction: LogOperatorAction;
}

/** One kind of keys: those last read from the file, those that verify now, and the one that signs. */
async function openShelf<Key>(
  kind: KeyKind,
  { dir, clock, logAction }: ShelfOptions,
  use: (key: StoredKey) => Promise<Key>,
) {
  let version: string | undefined;
  let stored: StoredKey[] = [];
  let imported = new Map<string, Key>();
  let live = new Map<string, Key>();
  let signer: Key | undefined;

  async function reload(): Promise<void> {
    const seen = keysVersion(dir, kind);
    if (seen === undefined) throw new Error(`the file of ${kind} keys is missing`);
    if (seen === version) return;
    const keys = readKeys(dir, kind);
    // Every key must be importable before any is used.
    const next = await Promise.all(keys.map(async (key) => [key.kid, await use(key)] as const));
    if (version !== undefined) {
      const [before, after] = [stored, keys].map((each) => each.map(({ kid }) => kid));
      logAction({ caller: keysOwner(dir, kind) }, 'signing keys changed', { kind, before, after });
    }
    stored = keys;
    imported = new Map(next);
    version = seen;
  }

  /** Keys begin and end by the clock, even if no file changes. */
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

/** Creates the first keys if there are none, and loads them. */
export async function openKeyRing({ dir, clock, log }: KeyRingOptions) {
  const made = await ensureKeys(dir);
  if (made.length > 0) {
    // If only one kind is missing, its file was lost. At the first start of a stack both are missing and nothing was signed.
    log[made.length === KEY_KINDS.length ? 'info' : 'warn'](
      { dir, kinds: made },
      'no signing keys found, created new ones: signatures of other keys are not accepted',
    );
  }
  const options = { dir, clock, logAction: createOperatorLog(log) };
  const tokens = await openShelf('token', options, importTokenKey);
  const actions = await openShelf('action', options, importActionKey);
  let failing = false;
  let jwksJson = '';

  async function load(): Promise<void> {
    const results = await Promise.allSettled([tokens.refresh(), actions.refresh()]);
    jwksJson = JSON.stringify({ keys: tokens.all().map(({ publicJwk }) => publicJwk) });
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined && !failing)
      log.error({ err: failed.reason }, 'the key files can not be read: keeping the last keys');
    failing = failed !== undefined;
  }

  const { join: refresh } = createSingleFlight(load);
  await refresh();
  log.info({ dir, kinds: KEY_KINDS }, 'keys loaded');
  return {
    /** The key that signs tokens now. */
    tokenSigner: tokens.signer,
    /** The public key of a live token key. */
    tokenVerifier: (kid: string): CryptoKey | undefined => tokens.get(kid)?.publicKey,
    /** The public parts of all live token keys, as a JSON Web Key Set. */
    jwksJson: (): string => jwksJson,
    /** The key that signs actions now. */
    actionSigner: actions.signer,
    actionKey: actions.get,
    /** The ids of all live action keys. */
    actionKeyIds: (): readonly string[] => actions.all().map(({ kid }) => kid),
    /** Whether both kinds have a key that may sign now. */
    canSign: (): boolean => tokens.canSign() && actions.canSign(),
    /** Whether the files could be read last time. */
    isCurrent: (): boolean => !failing,
    /** Checks the files and the clock now. Never rejects. */
    refresh,
  };
}
