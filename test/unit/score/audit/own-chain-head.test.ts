import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { createOwnChainHead } from '../../../../services/score/audit/own-chain-head.ts';
import { nextLink } from '../../../../services/score/audit/seal-actions.ts';
import {
  type AuditHead,
  type AuditLink,
  createAuditKey,
  encodeAuditLink,
  formatAuditHead,
  isKeyChange,
  isMadeWith,
  NO_HEAD,
  parseAuditKey,
} from '../../../../services/shared/audit-chain/audit-chain.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';

const [OLD, NEW] = [parseAuditKey(createAuditKey()), parseAuditKey(createAuditKey())];
const contents = { actions: 2n, digest: createHash('sha256').digest(), erased: new Uint8Array() };

/** A chain in memory of some links of the old key. */
function chainOf(count: number) {
  const links: AuditLink[] = [];
  for (let n = 0; n < count; n += 1) links.push(nextLink(OLD, links.at(-1) ?? NO_HEAD, contents));
  const store = {
    end: async () => {
      const link = links.at(-1);
      return link && { link, before: links.at(-2) ?? NO_HEAD };
    },
    links: async (after: bigint, limit: number) =>
      links.filter(({ seq }) => seq > after).slice(0, Math.min(limit, 2)),
    append: async (link: AuditLink) => {
      if (links.at(-1)?.seq === link.seq) return false;
      links.push(link);
      return true;
    },
  };
  const headOf = (key: Buffer, newKeyAfter?: AuditHead) =>
    createOwnChainHead({ store, key, source: 'audit.key', newKeyAfter, log: createSilentLog() });
  return { links, headOf };
}

it('continues an empty chain, and links of its own key', async () => {
  expect(await chainOf(0).headOf(NEW)()).toEqual(NO_HEAD);
  const { links, headOf } = chainOf(3);
  expect(await headOf(OLD)()).toEqual(links[2]);
});

it('refuses to continue links of another key, and names the key, the head and the remedies', async () => {
  const { links, headOf } = chainOf(3);
  await expect(headOf(NEW)()).rejects.toThrow(
    /^the audit key in audit\.key did not make the newest link \(3\) of the audit chain.*that sealed it from a backup/,
  );
  await expect(headOf(NEW)()).rejects.toThrow(`AUDIT_NEW_KEY_AFTER=${formatAuditHead(links[2] ?? NO_HEAD)}`);
  await expect(headOf(NEW, links[1])()).rejects.toThrow('did not make the newest link');
  expect(links).toHaveLength(3);
});

it('continues with a new key after the head that the operator named, with a link that seals all before it', async () => {
  const { links, headOf } = chainOf(5);
  const [before] = links.slice(-1);
  const head = headOf(NEW, before);
  await head();
  const change = links[5];
  expect(change !== undefined && isKeyChange(change) && isMadeWith(NEW, before ?? NO_HEAD, change)).toBe(
    true,
  );
  const hash = createHash('sha256');
  for (const link of links.slice(0, 5)) hash.update(encodeAuditLink(link));
  expect(Buffer.from(change?.digest ?? [])).toEqual(hash.digest());
  expect(await head()).toEqual(change);
  expect(links).toHaveLength(6);
});

it('records one change when several services start', async () => {
  const { links, headOf } = chainOf(3);
  const before = links[2];
  const heads = await Promise.all([headOf(NEW, before)(), headOf(NEW, before)(), headOf(NEW, before)()]);
  expect(heads).toEqual([links[3], links[3], links[3]]);
  expect(links).toHaveLength(4);
  // A service that still has the old key adds nothing after it.
  await expect(headOf(OLD)()).rejects.toThrow('did not make the newest link (4)');
});
