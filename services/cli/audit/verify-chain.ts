/**
 * Verifies the audit chain entry by entry, in memory that does not grow with the number of links, from any source of entries. It
 * trusts only the keys: every digest, commitment and head is recomputed. It stops at the first difference and describes it.
 * Links whose key is not given are covered by the next link that changed the key, whose digest shows that they have not changed
 * since.
 */
import { createHash, type Hash, timingSafeEqual } from 'node:crypto';
import {
  type AuditAction,
  type AuditHead,
  type AuditLink,
  commitmentOf,
  encodeAuditAction,
  encodeAuditLink,
  formatAuditHead,
  isKeyChange,
  isMadeWith,
  NO_HEAD,
} from '../../shared/audit-chain/audit-chain.ts';
import { provesCorrection } from '../../shared/audit-chain/correction.ts';
import { toHex } from '../../shared/audit-chain/fields.ts';
import { isTruncated, isTruncationOf } from '../../shared/audit-chain/truncated-link.ts';

/** A link is followed by the actions that it seals, ordered by position. */
export type AuditEntry =
  | { readonly kind: 'link'; readonly link: AuditLink }
  | { readonly kind: 'action'; readonly action: AuditAction };

export interface VerifiedChain {
  readonly head: AuditHead;
  readonly actions: number;
  /** The number of erased players. */
  readonly erased: number;
  /** Links whose digest is truncated, and whether a later link seals their actions again. */
  readonly truncated: ReadonlyArray<{ readonly seq: bigint; readonly isSealedAgain: boolean }>;
  /** The parts of the chain, each sealed with one key, in order; empty if there is no link. */
  readonly parts: readonly ChainPart[];
}

export interface ChainPart {
  /** The first link of this part: link 1, or the link that changed the key. */
  readonly from: bigint;
  /** Undefined if none of the given keys made these links. */
  readonly key: Buffer | undefined;
}

/** The chain is not as it was sealed; the message says where and how. */
export class ChainDiffers extends Error {}

export interface VerifyChainOptions {
  /** The key of the newest links. */
  key: Buffer;
  /** Keys that were replaced. */
  oldKeys?: readonly Buffer[];
  /** A head that was noted earlier and that the chain must contain. Without one, a truncated chain can't be detected. */
  expected: AuditHead | undefined;
}

/** The link whose actions are being read. */
interface OpenLink {
  readonly link: AuditLink;
  readonly hash: Hash;
  actions: bigint;
  position: bigint | undefined;
}

/** Rejects with ChainDiffers, or with an error of the entries. */
export async function verifyChain(
  entries: AsyncIterable<AuditEntry> | Iterable<AuditEntry>,
  { key, oldKeys = [], expected }: VerifyChainOptions,
): Promise<VerifiedChain> {
  const keys = createKeyFollower([key, ...oldKeys]);
  let head = NO_HEAD;
  let open: OpenLink | undefined;
  let actions = 0;
  const recorded = new Set<string>();
  const truncated: Array<VerifiedChain['truncated'][number]> = [];
  const close = (link: OpenLink) => {
    closeLink(link);
    if (isTruncated(link.link)) truncated.push({ seq: link.link.seq, isSealedAgain: isEmptied(link) });
  };
  /** Commitments without a salt, with their positions. By the end of the chain each must be recorded as erased. */
  const unproven = new Map<string, bigint>();

  for await (const entry of entries) {
    if (entry.kind === 'link') {
      if (open !== undefined) close(open);
      checkOrder(entry.link, head);
      keys.take(entry.link, head);
      head = { seq: entry.link.seq, head: entry.link.head };
      checkExpected(head, expected);
      if (entry.link.erased.length > 0) recorded.add(toHex(entry.link.erased));
      open = { link: entry.link, hash: createHash('sha256'), actions: 0n, position: undefined };
      continue;
    }
    const { action } = entry;
    if (open === undefined)
      throw new ChainDiffers(`the action at ${action.position} comes before the first link`);
    takeAction(open, action);
    checkCorrection(action);
    actions += 1;
    if (action.salt.length > 0) checkCommitment(action);
    else unproven.set(toHex(action.commitment), action.position);
  }
  if (open !== undefined) close(open);
  if (expected !== undefined && expected.seq > head.seq) {
    throw new ChainDiffers(`the chain ends at link ${head.seq}, before the expected ${expected.seq}`);
  }
  for (const [commitment, position] of unproven) {
    if (!recorded.has(commitment)) {
      throw new ChainDiffers(`the player of the action at ${position} was erased without a record of it`);
    }
  }
  return { head, actions, erased: recorded.size, truncated, parts: keys.finish() };
}

function checkOrder(link: AuditLink, before: AuditHead): void {
  const due = before.seq + 1n;
  if (link.seq !== due)
    throw new ChainDiffers(`link ${due} is missing: ${link.seq} comes after ${before.seq}`);
}

/** Checks the head of each link with the key of its part of the chain. The last part must be sealed with the first key. */
function createKeyFollower(keys: readonly Buffer[]) {
  const parts: ChainPart[] = [];
  /** Covers all links so far; compared with the digest of the next link that changes the key. */
  const hash = createHash('sha256');

  function beginPart(link: AuditLink, before: AuditHead): void {
    const key = keys.find((each) => isMadeWith(each, before, link));
    if (key !== undefined && isKeyChange(link) && !equal(link.digest, hash.copy().digest())) {
      throw new ChainDiffers(`the links before ${link.seq} changed after that link changed the key`);
    }
    parts.push({ from: link.seq, key });
  }

  return {
    take(link: AuditLink, before: AuditHead): void {
      const part = parts.at(-1);
      if (part === undefined || isKeyChange(link)) beginPart(link, before);
      else if (part.key !== undefined && !isMadeWith(part.key, before, link)) throw notOfKey(link.seq);
      hash.update(encodeAuditLink(link));
    },
    finish(): readonly ChainPart[] {
      const last = parts.at(-1);
      if (last === undefined || last.key === keys[0]) return parts;
      if (parts.length === 1) throw notOfKey(last.from);
      const problem = last.key === undefined ? 'is not given' : 'is an old one';
      throw new ChainDiffers(`link ${last.from} changed the key, and the key after it ${problem}`);
    },
  };
}

const notOfKey = (seq: bigint) =>
  new ChainDiffers(`link ${seq} was not made with this key, or it or the link before it was changed`);

function checkExpected(head: AuditHead, expected: AuditHead | undefined): void {
  if (expected?.seq !== head.seq || equal(expected.head, head.head)) return;
  throw new ChainDiffers(`link ${head.seq} has another head than expected: ${formatAuditHead(head)}`);
}

function takeAction(open: OpenLink, action: AuditAction): void {
  const { link, position } = open;
  if (position !== undefined && action.position <= position) {
    throw new ChainDiffers(`link ${link.seq}: the action at ${action.position} comes after ${position}`);
  }
  open.position = action.position;
  open.actions += 1n;
  open.hash.update(encodeAuditAction(action));
}

/** Whether the actions of a truncated link have been given to a later one. */
const isEmptied = ({ link, actions }: OpenLink): boolean => isTruncated(link) && actions === 0n;

function closeLink(open: OpenLink): void {
  if (isEmptied(open)) return;
  const { link, hash, actions, position } = open;
  const until = position === undefined ? '' : ` (up to position ${position})`;
  if (actions !== link.actions) {
    throw new ChainDiffers(
      `link ${link.seq} seals ${link.actions} actions${until}, but the log has ${actions}`,
    );
  }
  if (!isKeyChange(link) && !isDigestOf(link, hash.digest())) {
    throw new ChainDiffers(`link ${link.seq}${until}: an action is not as it was sealed`);
  }
}

function isDigestOf(link: AuditLink, digest: Buffer): boolean {
  return isTruncated(link) ? isTruncationOf(link.digest, digest) : equal(link.digest, digest);
}

function checkCommitment({ position, salt, userId, commitment }: AuditAction): void {
  if (!equal(commitment, commitmentOf(salt, userId))) {
    throw new ChainDiffers(`the action at ${position} belongs to another player than was sealed`);
  }
}

function checkCorrection(action: AuditAction): void {
  if (!provesCorrection(action))
    throw new ChainDiffers(`the correction at ${action.position} is not as it was sealed`);
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
