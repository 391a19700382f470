import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AuditAction,
  auditHeadAfter,
  createAuditKey,
  encodeAuditAction,
  NO_HEAD,
  parseAuditKey,
} from '../../../../services/shared/audit-chain/audit-chain.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
/** Any text at all, full of what could be taken for the end of a field. */
const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('1', '0', ':', '\n', 'ä', '😀') }));
const actions: fc.Arbitrary<AuditAction> = fc.record({
  ...{ position: int64, leaderboard: text, userId: text, salt: fc.uint8Array(), commitment: fc.uint8Array() },
  ...{ actionId: text, points: int64, scoreAfter: int64, version: int64, keyId: text, caller: text },
  acceptedAtUnixUs: int64,
});

/** The fields that an encoding holds, read back: two encodings of one reading would have to be equal. */
function fieldsOf(encoded: string): string[] {
  const fields: string[] = [];
  for (let rest = Buffer.from(encoded); rest.length > 0; ) {
    const colon = rest.indexOf(':');
    const end = colon + 1 + Number(rest.subarray(0, colon).toString());
    fields.push(rest.subarray(colon + 1, end).toString());
    rest = rest.subarray(end);
  }
  return fields;
}

describe('the canonical form', () => {
  it('has one reading, whatever the fields contain, also with others after it', () => {
    fc.assert(
      fc.property(fc.array(actions, { maxLength: 4 }), (list) => {
        const expected = list.flatMap((each) => [
          ...[String(each.position), each.leaderboard, Buffer.from(each.commitment).toString('hex')],
          ...[each.actionId, String(each.points), String(each.scoreAfter), String(each.version)],
          ...[each.keyId, each.caller, String(each.acceptedAtUnixUs)],
        ]);
        const utf8 = expected.map((field) => Buffer.from(field).toString());
        expect(fieldsOf(list.map(encodeAuditAction).join(''))).toEqual(utf8);
      }),
    );
  });
});

describe('a head', () => {
  const key = parseAuditKey(createAuditKey());
  const link = { seq: 1n, actions: 2n, digest: Buffer.alloc(32, 1), erased: Buffer.alloc(0) };
  const hex = (bytes: Buffer) => bytes.toString('hex');

  it('depends on the key, the head before, and every field', () => {
    const heads = [
      auditHeadAfter(key, NO_HEAD, link),
      auditHeadAfter(parseAuditKey(createAuditKey()), NO_HEAD, link),
      auditHeadAfter(key, { seq: 0n, head: Buffer.alloc(32) }, link),
      auditHeadAfter(key, NO_HEAD, { ...link, seq: 2n }),
      auditHeadAfter(key, NO_HEAD, { ...link, actions: 3n }),
      auditHeadAfter(key, NO_HEAD, { ...link, digest: Buffer.alloc(32, 2) }),
      auditHeadAfter(key, NO_HEAD, { ...link, erased: Buffer.alloc(32, 1) }),
    ];
    expect(new Set(heads.map(hex)).size).toBe(heads.length);
  });

  it.each(['', 'audit.', 'game.x', `audit.${'a'.repeat(42)}`, `${createAuditKey()}=`])(
    'is not made with the key %j, and the refusal does not quote it',
    (text) => {
      expect(() => parseAuditKey(text)).toThrow(/^the audit key has the form/);
    },
  );
});
