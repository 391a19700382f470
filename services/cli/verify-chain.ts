/**
 * Verifies the audit chain, entry by entry in constant memory, wherever the entries come from. It trusts the keys alone: every
 * digest, commitment and head is computed anew. It ends at the first place that differs and says what differs there. Links
 * whose key is not given are proven by a later link that changed the key: they are as they were then.
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
  toHex,
} from '../shared/audit-chain/audit-chain.ts';

/** A link is followed by the actions that it seals, in the order of positions. */
export type AuditEntry =
  | { readonly kind: 'link'; readonly link: AuditLink }
  | { readonly kind: 'action'; readonly action: AuditAction };

export interface VerifiedChain {
  readonly head: AuditHead;
  readonly actions: number;
  /** Players who were erased. */
  readonly erased: number;
  /** The parts of the chain that were sealed with a key each, in order; none when there is no link. */
  readonly parts: readonly ChainPart[];
}

export interface ChainPart {
  /** Its first link: of the chain, or the one that changed the key. */
  readonly from: bigint;
  /** Undefined when no given key made its links. */
  readonly key: Buffer | undefined;
}

/** The chain is not what was sealed: where, and how it shows. */
export class ChainDiffers extends Error {}

export interface VerifyChainOptions {
  /** Of the newest links. */
  key: Buffer;
  /** Keys from before it was changed. */
  oldKeys?: readonly Buffer[];
  /** A head that was written down: the chain must have passed it. Without one a chain that was cut short goes unseen. */
  expected: AuditHead | undefined;
}

/** The link whose actions are being read. */
interface OpenLink {
  readonly link: AuditLink;
  readonly hash: Hash;
  actions: bigint;
  position: bigint | undefined;
}

/** Rejects with ChainDiffers, or with what the entries reject with. */
export async function verifyChain(
  entries: AsyncIterable<AuditEntry> | Iterable<AuditEntry>,
  { key, oldKeys = [], expected }: VerifyChainOptions,
): Promise<VerifiedChain> {
  const keys = createKeyFollower([key, ...oldKeys]);
  let head = NO_HEAD;
  let open: OpenLink | undefined;
  let actions = 0;
  const recorded = new Set<string>();
  /** Commitments without a salt: each must have its record by the end, with the position that is named when it has none. */
  const unproven = new Map<string, bigint>();

  for await (const entry of entries) {
    if (entry.kind === 'link') {
      if (open !== undefined) closeLink(open);
      checkOrder(entry.link, head);
      keys.take(entry.link, head);
      head = { seq: entry.link.seq, head: entry.link.head };
      checkExpected(head, expected);
      if (entry.link.erased.length > 0) recorded.add(toHex(entry.link.erased));
      open = { link: entry.link, hash: createHash('sha256'), actions: 0n, position: undefined };
      continue;
    }
    const { action } = entry;
    if (open === undefined) throw new ChainDiffers(`the action at ${action.position} stands before any link`);
    takeAction(open, action);
    actions += 1;
    if (action.salt.length > 0) checkCommitment(action);
    else unproven.set(toHex(action.commitment), action.position);
  }
  if (open !== undefined) closeLink(open);
  if (expected !== undefined && expected.seq > head.seq) {
    throw new ChainDiffers(`the chain ends at link ${head.seq}, before the expected ${expected.seq}`);
  }
  for (const [commitment, position] of unproven) {
    if (!recorded.has(commitment)) {
      throw new ChainDiffers(`the player of the action at ${position} was erased without a record of it`);
    }
  }
  return { head, actions, erased: recorded.size, parts: keys.finish() };
}

function checkOrder(link: AuditLink, before: AuditHead): void {
  const due = before.seq + 1n;
  if (link.seq !== due)
    throw new ChainDiffers(`link ${due} is missing: ${link.seq} comes after ${before.seq}`);
}

/** Checks the head of each link with the key of its part of the chain. The last part must be of the first key. */
function createKeyFollower(keys: readonly Buffer[]) {
  const parts: ChainPart[] = [];
  /** Over all links so far, for the next one that changes the key. */
  const hash = createHash('sha256');

  function beginPart(link: AuditLink, before: AuditHead): void {
    const key = keys.find((each) => isMadeWith(each, before, link));
    if (key !== undefined && isKeyChange(link) && !equal(link.digest, hash.copy().digest())) {
      throw new ChainDiffers(
        `the links before ${link.seq} are not as they were when that link changed the key`,
      );
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
      throw new ChainDiffers(`link ${last.from} changed the key, and the key since then ${problem}`);
    },
  };
}

const notOfKey = (seq: bigint) =>
  new ChainDiffers(`link ${seq} was not made with this key, or it or the one before was changed`);

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

function closeLink({ link, hash, actions, position }: OpenLink): void {
  const until = position === undefined ? '' : ` (up to position ${position})`;
  if (actions !== link.actions) {
    throw new ChainDiffers(
      `link ${link.seq} seals ${link.actions} actions${until}, and there are ${actions}`,
    );
  }
  if (!isKeyChange(link) && !equal(link.digest, hash.digest())) {
    throw new ChainDiffers(`link ${link.seq}${until}: an action is not as it was sealed`);
  }
}

function checkCommitment({ position, salt, userId, commitment }: AuditAction): void {
  if (!equal(commitment, commitmentOf(salt, userId))) {
    throw new ChainDiffers(`the action at ${position} is given to another player than was sealed`);
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
