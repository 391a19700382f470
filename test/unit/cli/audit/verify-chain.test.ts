/** Verification finds every change of a sealed chain, and accepts what the product itself does to it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAuditLine, parseAuditLines } from '../../../../services/cli/audit/export-lines.ts';
import { ChainDiffers, verifyChain } from '../../../../services/cli/audit/verify-chain.ts';
import {
  type AuditHead,
  createAuditKey,
  NO_HEAD,
  parseAuditKey,
} from '../../../../services/shared/audit-chain/audit-chain.ts';
import { action, type Chain, correctChain, entriesOf, eraseAda, KEY, seal } from './audit-fixture.ts';

const verify = (chain: Chain, expected?: AuditHead) => verifyChain(entriesOf(chain), { key: KEY, expected });

/** The error after the chain was changed, if its true head is known. */
async function foundIn(change: (chain: Chain) => void): Promise<string | undefined> {
  const chain = correctChain();
  const expected = chain.at(-1)?.link;
  change(chain);
  try {
    await verify(chain, expected);
    return undefined;
  } catch (error) {
    if (error instanceof ChainDiffers) return error.message;
    throw error;
  }
}

const at = <Item>(items: readonly Item[], index: number): Item => {
  const item = items.at(index);
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
};

describe('a chain as it was sealed', () => {
  it('verifies, and returns its head', async () => {
    const chain = correctChain();
    const { head, actions, erased } = await verify(chain, at(chain, 2).link);
    expect({ seq: head.seq, actions, erased }).toEqual({ seq: 3n, actions: 6, erased: 0 });
    expect(Buffer.from(head.head)).toEqual(Buffer.from(at(chain, 2).link.head));
  });

  it('verifies against an earlier head, and if it is empty', async () => {
    const chain = correctChain();
    await expect(verify(chain, at(chain, 0).link)).resolves.toMatchObject({ actions: 6 });
    await expect(verify([])).resolves.toMatchObject({ head: NO_HEAD, actions: 0 });
  });

  it('still verifies to the same heads after a player was erased', async () => {
    const chain = correctChain();
    const before = at(chain, 2).link;
    eraseAda(chain);
    expect(entriesOf(chain).some((e) => e.kind === 'action' && e.action.userId === 'ada')).toBe(false);
    await expect(verify(chain, before)).resolves.toMatchObject({ actions: 6, erased: 1 });
  });
});

const changed = (bytes: Uint8Array, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

describe('a change is found', () => {
  it('of any one bit of any field of any action or link', async () => {
    const fields = entriesOf(correctChain()).flatMap((entry, index) =>
      Object.keys(entry.kind === 'link' ? entry.link : entry.action).map((name) => ({ index, name })),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fields), fc.nat(), async ({ index, name }, chance) => {
        const message = await foundIn((chain) => {
          const entry = at(entriesOf(chain), index);
          const target: Record<string, unknown> = Object(entry.kind === 'link' ? entry.link : entry.action);
          const value = target[name];
          if (typeof value === 'bigint') target[name] = value ^ (1n << BigInt(chance % 50));
          else if (typeof value === 'string')
            target[name] = changed(Buffer.from(value), chance % (8 * value.length)).toString('latin1');
          else if (value instanceof Uint8Array && value.length > 0)
            target[name] = changed(value, chance % (8 * value.length));
          else target[name] = Buffer.of(chance & 0xff);
        });
        expect([name, message]).toEqual([name, expect.any(String)]);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each<[string, RegExp, (chain: Chain) => void]>([
    ['a removed action', /^link 2 seals 2 actions.*but the log has 1$/, (c) => at(c, 1).actions.pop()],
    [
      'an added action',
      /^link 2 seals 2 actions.*but the log has 3$/,
      (c) => at(c, 1).actions.push(action(1003n, 'ada', 1n)),
    ],
    ['actions in another order', /^link 1: the action at 2001/, (c) => at(c, 0).actions.reverse()],
    [
      'an action given to another player',
      /^the action at 1001 belongs to another player/,
      (c) => Object.assign(at(at(c, 1).actions, 0), { userId: 'bob' }),
    ],
    [
      'an action given to another player, with the salt and the commitment of that player',
      /^link 2 .*not as it was sealed$/,
      ([, link]) => {
        const { userId, salt, commitment } = action(1n, 'bob', 1n);
        if (link !== undefined) Object.assign(at(link.actions, 0), { userId, salt, commitment });
      },
    ],
    [
      'a player erased without a record',
      /^the player of the action at 1001 was erased without a record/,
      (c) => Object.assign(at(at(c, 1).actions, 0), { userId: 'erased 1', salt: Buffer.alloc(0) }),
    ],
    ['a removed link', /^link 2 is missing/, (c) => c.splice(1, 1)],
    ['links in another order', /^link 1 is missing/, (c) => c.splice(0, 2, at(c, 1), at(c, 0))],
    ['a repeated link', /^link 2 is missing: 1/, (c) => c.splice(1, 0, at(c, 0))],
    ['a chain that was cut short', /^the chain ends at link 2, before the expected 3$/, (c) => c.pop()],
    ['an empty chain', /^the chain ends at link 0/, (c) => c.splice(0)],
    [
      'a last link that was sealed again',
      /^link 3 has another head than expected/,
      (c) => {
        const actions = [action(3001n, 'ada', 500n)];
        c.splice(2, 1, { link: { ...seal(at(c, 1).link, actions) }, actions });
      },
    ],
    [
      'a link made with another key',
      /^link 4 was not made with this key/,
      (c) => {
        const key = parseAuditKey(createAuditKey());
        const actions = [action(4001n, 'ada', 1n)];
        c.push({ link: { ...seal(at(c, 2).link, actions, Buffer.alloc(0), key) }, actions });
      },
    ],
  ])('%s', async (_, words, change) => {
    expect(await foundIn(change)).toMatch(words);
  });

  it('an action before the first link', async () => {
    const entries = [{ kind: 'action' as const, action: action(1n, 'ada', 1n) }];
    await expect(verifyChain(entries, { key: KEY, expected: undefined })).rejects.toThrow(ChainDiffers);
  });
});

async function* linesOf(text: string): AsyncGenerator<string> {
  yield* text.split('\n').slice(0, -1);
}

describe('an export', () => {
  const text = (chain: Chain) => entriesOf(chain).map(formatAuditLine).join('');

  it('verifies like the chain that it was made from', async () => {
    const chain = correctChain();
    eraseAda(chain);
    const options = { key: KEY, expected: at(chain, 3).link };
    await expect(verifyChain(parseAuditLines(linesOf(text(chain))), options)).resolves.toMatchObject({
      actions: 6,
      erased: 1,
    });
  });

  it.each([
    ['no JSON', 'x'],
    ['no object', 'null'],
    ['neither a link nor an action', '{}'],
    ['a missing field', '{"link":{"seq":"1"}}'],
    ['an invalid number', '{"link":{"seq":"1e3","actions":"0","digest":"","erased":"","head":""}}'],
    ['invalid bytes', '{"link":{"seq":"1","actions":"0","digest":"abc","erased":"","head":""}}'],
  ])('is refused, with the number of the line that has %s', async (_, line) => {
    const lines = linesOf(`${text(correctChain())}${line}\n`);
    await expect(verifyChain(parseAuditLines(lines), { key: KEY, expected: undefined })).rejects.toThrow(
      /^line 10 is not a valid link or action/,
    );
  });

  it('differs if any character is changed', async () => {
    const original = text(correctChain());
    const { link } = at(correctChain(), 2);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(original.length - 2),
        fc.constantFrom('0', '7', 'a', 'f', 'z'),
        async (n, put) => {
          fc.pre(original[n] !== put && original[n] !== '\n');
          const lines = linesOf(original.slice(0, n) + put + original.slice(n + 1));
          await expect(
            verifyChain(parseAuditLines(lines), { key: KEY, expected: link }),
          ).rejects.toBeInstanceOf(ChainDiffers);
        },
      ),
      { numRuns: 500 },
    );
  });
});
