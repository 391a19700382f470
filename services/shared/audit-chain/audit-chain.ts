/**
 * The form of the audit chain, for its writer and its verifiers:
 *
 *   field(text) = length in bytes ":" text                       a list of fields has one reading, whatever they contain
 *   action      = field(position) field(leaderboard) field(commitment) field(action-id) field(points) field(score-after)
 *                 field(version) field(key-id) field(caller) field(accepted-at)        numbers in decimal, bytes in hex
 *   digest      = SHA-256 over a link's actions in the order of positions
 *   head        = HMAC-SHA-256(audit key, field("scoreboard-audit-v1") field(head before) field(seq) field(actions)
 *                 field(digest) field(erased))
 *   commitment  = SHA-256(salt, user-id)
 *   link        = field(seq) field(actions) field(digest) field(erased) field(head)
 *
 * A link without actions and without an erased player, whose digest is not that of no actions, changes the key: its head is made
 * with the next key, and its digest is the SHA-256 over all links before it. A batch may be empty, so a link may seal no action.
 * A link with a digest of less than 32 bytes is explained in truncated-link.ts.
 * An action may be a correction of an operator: correction.ts.
 * A change of any field of an action changes its link's digest, and no head can be made to fit without the key.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Secret } from '../settings/secret.ts';
import type { AuditCorrection } from './correction.ts';
import { encodeField, toHex } from './fields.ts';
import { isTruncated, readAsHex } from './truncated-link.ts';

/** An action as it enters the chain. */
export interface AuditAction {
  readonly position: bigint;
  readonly leaderboard: string;
  /** A pseudonym once the player is erased. */
  readonly userId: string;
  /** Empty once the player is erased: then the commitment can't be traced to a player any more. */
  readonly salt: Uint8Array;
  readonly commitment: Uint8Array;
  readonly actionId: string;
  readonly points: bigint;
  readonly scoreAfter: bigint;
  readonly version: bigint;
  readonly keyId: string;
  readonly caller: string;
  readonly acceptedAtUnixUs: bigint;
  /** What the entry did if it is a correction: `keyId` is its digest (correction.ts). */
  readonly correction?: AuditCorrection | undefined;
}

export interface AuditLink {
  /** 1, 2, 3… without a gap. */
  readonly seq: bigint;
  /** The number of actions that it seals. */
  readonly actions: bigint;
  readonly digest: Uint8Array;
  /** The commitment of an erased player. Empty in a link that seals actions or changes the key. */
  readonly erased: Uint8Array;
  readonly head: Uint8Array;
}

/** Where a chain ends. */
export interface AuditHead {
  readonly seq: bigint;
  readonly head: Uint8Array;
}

const CONTEXT = 'scoreboard-audit-v1';
/** The digest of a link that seals no action. */
export const DIGEST_OF_NONE: Uint8Array = createHash('sha256').digest();
/** The head before the first link. */
export const NO_HEAD: AuditHead = { seq: 0n, head: new Uint8Array() };
const KEY_BYTES = 32;
const AUDIT_HEAD = /^([1-9]\d{0,18}):([0-9a-f]{64})$/;
const AUDIT_KEY = /^audit\.([\w-]{43})$/;

/** The canonical form of one action. */
export function encodeAuditAction(action: AuditAction): string {
  const { position, leaderboard, commitment, actionId, points, scoreAfter, version, keyId, caller } = action;
  return [
    ...[String(position), leaderboard, toHex(commitment), actionId, String(points), String(scoreAfter)],
    ...[String(version), keyId, caller, String(action.acceptedAtUnixUs)],
  ]
    .map(encodeField)
    .join('');
}

/** The head of a link with these other fields. */
export function auditHeadAfter(key: Buffer, before: AuditHead, link: Omit<AuditLink, 'head'>): Buffer {
  const { seq, actions, digest, erased } = link;
  const fields = [CONTEXT, toHex(before.head), String(seq), String(actions), toHex(digest), toHex(erased)];
  return createHmac('sha256', key).update(fields.map(encodeField).join('')).digest();
}

/** Whether the head of a link was made with this key after the head before it. */
export function isMadeWith(key: Buffer, before: AuditHead, link: AuditLink): boolean {
  if (isHeadAfter(key, before, link)) return true;
  // The head before a truncated link was read as its digest was.
  return isTruncated(link) && isHeadAfter(key, { ...before, head: readAsHex(before.head) }, link);
}

function isHeadAfter(key: Buffer, before: AuditHead, link: AuditLink): boolean {
  const expected = auditHeadAfter(key, before, link);
  return link.head.length === expected.length && timingSafeEqual(link.head, expected);
}

/** Whether a link begins a part of the chain that another key seals. */
export function isKeyChange(link: AuditLink): boolean {
  const { actions, digest, erased } = link;
  if (actions !== 0n || erased.length > 0 || isTruncated(link)) return false;
  return Buffer.compare(digest, DIGEST_OF_NONE) !== 0;
}

/** The canonical form of a whole link. */
export function encodeAuditLink({ seq, actions, digest, erased, head }: AuditLink): string {
  return [String(seq), String(actions), toHex(digest), toHex(erased), toHex(head)].map(encodeField).join('');
}

export function commitmentOf(salt: Uint8Array, userId: string): Buffer {
  return createHash('sha256').update(salt).update(userId).digest();
}

/** As an operator writes it down: "seq:hex". */
export function formatAuditHead({ seq, head }: AuditHead): string {
  return `${seq}:${toHex(head)}`;
}

/** Undefined for any other form. */
export function parseAuditHead(text: string): AuditHead | undefined {
  const [, seq, head] = AUDIT_HEAD.exec(text) ?? [];
  return seq === undefined || head === undefined
    ? undefined
    : { seq: BigInt(seq), head: Buffer.from(head, 'hex') };
}

export function createAuditKey(): string {
  return `audit.${randomBytes(KEY_BYTES).toString('base64url')}`;
}

/** The 32 bytes of a key "audit.<base64url>". An error never contains the key. */
export function parseAuditKey(text: Secret | string): Buffer {
  const [, secret] = AUDIT_KEY.exec(Secret.of(text).reveal()) ?? [];
  if (secret === undefined) throw new Error('the audit key has the form audit.<43 characters of base64url>');
  return Buffer.from(secret, 'base64url');
}
