/** Links that an earlier version made while Postgres wrote bytea as "escape": explained, and never taken for a change of the log. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { verifyStack } from '../../../../services/cli/audit/verify.ts';
import { ChainDiffers, verifyChain } from '../../../../services/cli/audit/verify-chain.ts';
import type { AuditClient } from '../../../../services/cli/connect/connect-score.ts';
import { createResealActions } from '../../../../services/score/audit/reseal-actions.ts';
import {
  type AuditAction,
  type AuditHead,
  type AuditLink,
  auditHeadAfter,
  createAuditKey,
  encodeAuditAction,
  isMadeWith,
  NO_HEAD,
  parseAuditKey,
} from '../../../../services/shared/audit-chain/audit-chain.ts';
import { readAsHex } from '../../../../services/shared/audit-chain/truncated-link.ts';
import { createSilentLog } from '../../../../services/shared/telemetry/log.ts';
import { action, type Chain, entriesOf, KEY, seal } from './audit-fixture.ts';

function sealTruncated(before: AuditHead, actions: readonly AuditAction[], key = KEY): AuditLink {
  const digest = createHash('sha256').update(actions.map(encodeAuditAction).join('')).digest();
  const link = {
    seq: before.seq + 1n,
    actions: BigInt(actions.length),
    digest: readAsHex(digest),
    erased: new Uint8Array(),
  };
  return { ...link, head: auditHeadAfter(key, { ...before, head: readAsHex(before.head) }, link) };
}

/** Two truncated links, as of a stack that ran with the setting, and one that was made after it was taken back. */
function truncatedChain(key = KEY): Chain {
  const batches = [1000n, 2000n, 3000n].map((batch) => [
    action(batch + 1n, 'ada', 5n),
    action(batch + 2n, 'bob', 7n),
  ]);
  let head = NO_HEAD;
  return batches.map((actions, at) => {
    const link = at < 2 ? sealTruncated(head, actions, key) : seal(head, actions);
    head = link;
    return { link, actions };
  });
}

/** As score does it: the actions of truncated links are in links at the end. */
function resealed(chain: Chain): Chain {
  let head: AuditHead = chain.at(-1)?.link ?? NO_HEAD;
  const again = chain.slice(0, 2).map(({ actions }) => {
    const link = seal(head, actions);
    head = link;
    return { link, actions };
  });
  return [...chain.map(({ link, actions }, at) => ({ link, actions: at < 2 ? [] : actions })), ...again];
}

const verify = (chain: Chain) => verifyChain(entriesOf(chain), { key: KEY, expected: undefined });

it('verify before their actions are sealed again, and after', async () => {
  const chain = truncatedChain();
  const truncated = (isSealedAgain: boolean) => [1n, 2n].map((seq) => ({ seq, isSealedAgain }));
  expect(await verify(chain)).toMatchObject({ actions: 6, truncated: truncated(false) });
  expect(await verify(resealed(chain))).toMatchObject({ actions: 6, truncated: truncated(true) });
  expect(isMadeWith(KEY, chain[0]?.link ?? NO_HEAD, chain[1]?.link as AuditLink)).toBe(true);
});

it('are explained to the operator, with exit code 0', async () => {
  const links = truncatedChain();
  const client = {
    listAuditLinks: async ({ afterSeq }: AuditHead & { afterSeq: bigint }) => ({
      links: links.map(({ link }) => link).filter(({ seq }) => seq > afterSeq),
    }),
    listAuditActions: async ({ seq, afterPosition }: { seq: bigint; afterPosition: bigint }) => ({
      actions: links[Number(seq) - 1]?.actions.filter(({ position }) => position > afterPosition),
    }),
    findStrayActions: async () => ({ strays: [], nextPosition: 0n }),
  } as unknown as AuditClient;
  const lines: string[] = [];
  const write = async (text: string) => void lines.push(text);
  expect(await verifyStack(client, { key: KEY, expected: undefined }, write)).toBe(0);
  expect(lines.join('')).toMatch(
    /^NOTE: link 1 was sealed while bytea_output was "escape".*\nNOTE: link 2.*\nOK: 3/,
  );
});

it('do not hide a change: a missing action, another key, or actions changed after they were sealed again', async () => {
  const withoutOne = truncatedChain();
  withoutOne[1]?.actions.pop();
  await expect(verify(withoutOne)).rejects.toThrow(/link 2 seals 2 actions.*the log has 1/);
  const ofOther = truncatedChain(parseAuditKey(createAuditKey()));
  await expect(verify(ofOther)).rejects.toThrow(ChainDiffers);
  const changed = resealed(truncatedChain());
  const first = changed[3]?.actions[0];
  if (first !== undefined) changed[3]?.actions.splice(0, 1, { ...first, points: 6n });
  await expect(verify(changed)).rejects.toThrow(/link 4.*an action is not as it was sealed/);
});

it('give their actions away only if these agree with what the link says', async () => {
  const chain = truncatedChain();
  chain[1]?.actions.pop();
  const released: bigint[] = [];
  const reseal = createResealActions({
    store: {
      truncated: async () => chain.slice(0, 2).map(({ link }) => link),
      actions: async (seq, after) =>
        chain[Number(seq) - 1]?.actions.filter(({ position }) => position > after) ?? [],
      release: async (seq) => void released.push(seq),
    },
    log: createSilentLog(),
  });
  await reseal();
  await reseal();
  expect(new Set(released)).toEqual(new Set([1n]));
});
