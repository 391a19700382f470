/** A small valid audit chain, created for each test, which then breaks one thing. */
import { createHash } from 'node:crypto';
import type { AuditEntry } from '../../../../services/cli/audit/verify-chain.ts';
import {
  type AuditAction,
  type AuditHead,
  type AuditLink,
  auditHeadAfter,
  commitmentOf,
  createAuditKey,
  encodeAuditAction,
  NO_HEAD,
  parseAuditKey,
} from '../../../../services/shared/audit-chain/audit-chain.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type Chain = { link: Mutable<AuditLink>; actions: Mutable<AuditAction>[] }[];

export const KEY = parseAuditKey(createAuditKey());
const SALTS: Readonly<Record<string, Buffer>> = { ada: Buffer.alloc(16, 1), bob: Buffer.alloc(16, 2) };

export function action(position: bigint, userId: string, points: bigint): Mutable<AuditAction> {
  const salt = SALTS[userId] ?? Buffer.alloc(16);
  return {
    ...{ position, leaderboard: 'global', userId, salt, commitment: commitmentOf(salt, userId) },
    ...{ actionId: `a${position}`, points, scoreAfter: points, version: 1n },
    ...{ keyId: 'k1', caller: 'edge', acceptedAtUnixUs: 1_700_000_000_000_000n + position },
  };
}

export function seal(
  before: AuditHead,
  actions: readonly AuditAction[],
  erased: Uint8Array = Buffer.alloc(0),
  key = KEY,
): AuditLink {
  const digest = createHash('sha256').update(actions.map(encodeAuditAction).join('')).digest();
  const link = { seq: before.seq + 1n, actions: BigInt(actions.length), digest, erased };
  return { ...link, head: auditHeadAfter(key, before, link) };
}

/** Three links of two actions each. */
export function correctChain(): Chain {
  let head = NO_HEAD;
  return [2000n, 1000n, 3000n].map((batch) => {
    const actions = [action(batch + 1n, 'ada', 5n), action(batch + 2n, 'bob', 7n)];
    const link = seal(head, actions);
    head = link;
    return { link: { ...link }, actions };
  });
}

/** Erases ada as the product does: the last link records it, and every action of hers loses salt and id. */
export function eraseAda(chain: Chain): void {
  const commitment = commitmentOf(SALTS.ada ?? Buffer.alloc(0), 'ada');
  for (const each of chain.flatMap(({ actions }) => actions)) {
    if (each.userId === 'ada') Object.assign(each, { userId: 'erased 1', salt: Buffer.alloc(0) });
  }
  const last = chain.at(-1)?.link ?? NO_HEAD;
  chain.push({ link: seal(last, [], commitment), actions: [] });
}

export function entriesOf(chain: Chain): AuditEntry[] {
  return chain.flatMap(({ link, actions }) => [
    { kind: 'link' as const, link },
    ...actions.map((each) => ({ kind: 'action' as const, action: each })),
  ]);
}
