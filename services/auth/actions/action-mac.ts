/**
 * Creates and verifies the MACs of actions. Only this service has the keys. MACs are compared as 32 bytes in constant time, and a
 * malformed MAC is refused before one is computed.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  formatSignature,
  isCanonicalMac,
  MAC_LENGTH,
  parseSignature,
  type SignedAction,
  stringToSign,
} from '../../shared/values/action-signature.ts';
import type { ActionKey } from '../keys/key-ring.ts';

const ALGORITHM = 'sha256';
const MAC_BYTES = 32;
/** Every given MAC is decoded into these 32 bytes. The check is synchronous, so no two checks use them at once. */
const givenMac = Buffer.alloc(MAC_BYTES);

/** Signs one action. `expiresAt` is in Unix seconds. The action must be signable. */
export function signAction(action: SignedAction, { kid, secret }: ActionKey, expiresAt: number): string {
  const mac = createHmac(ALGORITHM, secret)
    .update(stringToSign(action, kid, expiresAt))
    .digest('base64url');
  return formatSignature({ kid, expiresAt, mac });
}

export interface GenuineSignature {
  readonly kid: string;
  /** Unix seconds; Infinity for a form without a time. */
  readonly expiresAt: number;
}

/** Returns the key of an id; undefined when it is unknown or withdrawn. */
export type FindActionKey = (kid: string) => ActionKey | undefined;

/** The contents of a signature of the present form; undefined unless it is genuine for exactly this action. */
export function openSignature(
  action: SignedAction,
  signature: string,
  findKey: FindActionKey,
): GenuineSignature | undefined {
  const parsed = parseSignature(signature);
  if (parsed === undefined) return undefined;
  const key = findKey(parsed.kid);
  if (key === undefined) return undefined;
  const mac = createHmac(ALGORITHM, key.secret)
    .update(stringToSign(action, parsed.kid, parsed.expiresAt))
    .digest();
  givenMac.write(parsed.mac, 'base64url');
  return timingSafeEqual(mac, givenMac) ? parsed : undefined;
}

const V0_SIGNATURE = /^v0\.[A-Za-z0-9_-]{1,32}\.(?:[A-Za-z0-9_-]{43}|[0-9a-f]{64})$/;

/**
 * The literal `HMAC(actionId + points, secret)` as `v0.<kid>.<mac>`, in base64url or lowercase hexadecimal. It is
 * forgeable: ('a1', 00), ('a10', 0) and ('a', 100) share one MAC, which names no player and never expires. For callers that
 * can't change yet, and only if the operator allows it. A string of this form never contains a line feed, so a v0 MAC can't
 * pass for a v1 MAC of the same key.
 */
export function openV0Signature(
  { actionId, points }: Pick<SignedAction, 'actionId' | 'points'>,
  signature: string,
  findKey: FindActionKey,
): GenuineSignature | undefined {
  if (!V0_SIGNATURE.test(signature)) return undefined;
  const [, kid, given] = signature.split('.') as [string, string, string];
  const key = findKey(kid);
  const inBase64url = given.length === MAC_LENGTH;
  if (key === undefined || (inBase64url && !isCanonicalMac(given))) return undefined;
  const mac = createHmac(ALGORITHM, key.secret).update(`${actionId}${points}`).digest();
  givenMac.write(given, inBase64url ? 'base64url' : 'hex');
  return timingSafeEqual(mac, givenMac) ? { kid, expiresAt: Number.POSITIVE_INFINITY } : undefined;
}
