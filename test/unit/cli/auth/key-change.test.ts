/** A chain with several keys: what the links of a lost key still prove, and that only a real change of keys counts as one. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type VerifyChainOptions, verifyChain } from '../../../../services/cli/audit/verify-chain.ts';
import {
  type AuditLink,
  auditHeadAfter,
  createAuditKey,
  encodeAuditLink,
  parseAuditKey,
} from '../../../../services/shared/audit-chain/audit-chain.ts';
import { action, type Chain, correctChain, entriesOf, KEY, seal } from '../audit/audit-fixture.ts';
import { runWords } from '../fake-session.ts';

const NEW_KEY = parseAuditKey(createAuditKey());

const lastOf = (chain: Chain): AuditLink => {
  const link = chain.at(-1)?.link;
  if (link === undefined) throw new Error('the chain has no link');
  return link;
};

/** As the product does once the operator has named the head: adds a link that seals all earlier links with the new key. */
function changeKey(chain: Chain, key: Buffer): void {
  const hash = createHash('sha256');
  for (const { link } of chain) hash.update(encodeAuditLink(link));
  const before = lastOf(chain);
  const contents = { seq: before.seq + 1n, actions: 0n, digest: hash.digest(), erased: Buffer.alloc(0) };
  chain.push({ link: { ...contents, head: auditHeadAfter(key, before, contents) }, actions: [] });
}

function sealMore(chain: Chain, key: Buffer): void {
  const actions = [action((lastOf(chain).seq + 1n) * 1_000n + 1n, 'bob', 3n)];
  chain.push({ link: { ...seal(lastOf(chain), actions, Buffer.alloc(0), key) }, actions });
}

/** Links 1 to 3 with one key, 4 changes it, 5 is of the new one. */
function changedChain(): Chain {
  const chain = correctChain();
  changeKey(chain, NEW_KEY);
  sealMore(chain, NEW_KEY);
  return chain;
}

const verify = (chain: Chain, options: Omit<VerifyChainOptions, 'expected'>) =>
  verifyChain(entriesOf(chain), { ...options, expected: undefined });

describe('a chain whose key was changed', () => {
  it('verifies with both keys, each for its part', async () => {
    const { parts, actions } = await verify(changedChain(), { key: NEW_KEY, oldKeys: [KEY] });
    expect(actions).toBe(7);
    expect(parts).toEqual([
      { from: 1n, key: KEY },
      { from: 4n, key: NEW_KEY },
    ]);
  });

  it('verifies with the new key only, and names the links that it does not prove', async () => {
    const { parts } = await verify(changedChain(), { key: NEW_KEY });
    expect(parts).toEqual([
      { from: 1n, key: undefined },
      { from: 4n, key: NEW_KEY },
    ]);
  });

  it('may change its key again', async () => {
    const chain = changedChain();
    const third = parseAuditKey(createAuditKey());
    changeKey(chain, third);
    sealMore(chain, third);
    const { parts } = await verify(chain, { key: third, oldKeys: [KEY] });
    expect(parts.map(({ from, key }) => [from, key === undefined])).toEqual([
      [1n, false],
      [4n, true],
      [6n, false],
    ]);
  });

  it('differs, and says where, if the key after the change is not given', async () => {
    await expect(verify(changedChain(), { key: KEY })).rejects.toThrow(
      /^link 4 changed the key, and the key after it/,
    );
  });

  it.each<[string, RegExp, (chain: Chain) => void]>([
    [
      'an action before the change',
      /^link 2 .*not as it was sealed$/,
      ([, link]) => Object.assign(link?.actions[0] ?? {}, { points: 6n }),
    ],
    [
      'an action before the change, with a digest made to fit',
      /^the links before 4 changed after/,
      (chain) => {
        const second = chain[1];
        if (second === undefined) return;
        Object.assign(second.actions[0] ?? {}, { points: 6n });
        const { digest } = seal(lastOf(chain), second.actions);
        Object.assign(second.link, { digest });
      },
    ],
    ['the link that changed the key', /^link 4 is missing/, (chain) => chain.splice(3, 1)],
    [
      'the digest of the link that changed the key',
      /^link 4 changed the key, and the key after it/,
      (chain) => Object.assign(chain[3]?.link ?? {}, { digest: Buffer.alloc(32, 1) }),
    ],
    [
      'the end, sealed with the key of an attacker after an unauthorised change of keys',
      /^link 6 changed the key, and the key after it/,
      (chain) => {
        const stolen = parseAuditKey(createAuditKey());
        changeKey(chain, stolen);
        sealMore(chain, stolen);
      },
    ],
    [
      'the end, sealed with the lost key',
      /^link 6 was not made with this key/,
      (chain) => sealMore(chain, KEY),
    ],
  ])('differs if someone changed %s', async (_, words, change) => {
    const chain = changedChain();
    change(chain);
    await expect(verify(chain, { key: NEW_KEY })).rejects.toThrow(words);
  });

  it('differs if an old key, which others may have, was made the key again', async () => {
    const chain = changedChain();
    changeKey(chain, KEY);
    sealMore(chain, KEY);
    await expect(verify(chain, { key: NEW_KEY, oldKeys: [KEY] })).rejects.toThrow(
      /^link 6 changed the key, and the key after it is an old one/,
    );
  });

  it('is not confused with a link that seals no actions', async () => {
    const chain = correctChain();
    chain.push({ link: { ...seal(lastOf(chain), []) }, actions: [] });
    sealMore(chain, KEY);
    expect((await verify(chain, { key: KEY })).parts).toEqual([{ from: 1n, key: KEY }]);
  });

  it('does not excuse a link made with another key that is no change of keys', async () => {
    const chain = correctChain();
    sealMore(chain, NEW_KEY);
    await expect(verify(chain, { key: NEW_KEY, oldKeys: [KEY] })).rejects.toThrow(
      /^link 4 was not made with this key/,
    );
  });
});

it('audit verify prints where the key changed, and which links are not proven', async () => {
  const chain = changedChain();
  const answers = {
    listAuditLinks: ({ afterSeq }: { afterSeq: bigint }) => ({
      links: chain.map(({ link }) => link).filter(({ seq }) => seq > afterSeq),
    }),
    listAuditActions: ({ seq, afterPosition }: { seq: bigint; afterPosition: bigint }) => ({
      actions: (chain[Number(seq) - 1]?.actions ?? []).filter(({ position }) => position > afterPosition),
    }),
    findStrayActions: () => ({ strays: [], nextPosition: 0n }),
  };
  const AUDIT_KEY = `audit.${NEW_KEY.toString('base64url')}`;
  const ran = await runWords(['audit', 'verify'], answers, { env: { AUDIT_KEY } });
  expect({ code: ran.code, lines: ran.output.split('\n') }).toEqual({
    code: 0,
    lines: [
      'NOT PROVEN: links 1 to 3: give their key with --old-key; they have not changed since the key changed at link 4',
      expect.stringMatching(/^OK: 5 links seal 7 actions/),
      '',
    ],
  });
});
