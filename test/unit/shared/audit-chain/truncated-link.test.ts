import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  isTruncated,
  isTruncationOf,
  readAsHex,
} from '../../../../services/shared/audit-chain/truncated-link.ts';

const NONE = new Uint8Array();

it('every digest that was read in the other form is shorter, and is known as the beginning of it', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(bytes, (digest) => {
      const truncated = readAsHex(digest);
      expect(isTruncated({ digest: truncated, erased: NONE })).toBe(true);
      expect(isTruncationOf(truncated, digest)).toBe(true);
      expect(isTruncated({ digest, erased: NONE })).toBe(false);
    }),
  );
});

it('reads what an earlier version read', () => {
  // The server writes \042 as it is, and the byte 0xff as \377.
  expect(readAsHex(Buffer.from('aabb22ff', 'utf8')).toString('hex')).toBe('bb22ff');
  expect(readAsHex(Buffer.from([0xff, 0x22, 0x41])).toString('hex')).toBe('77');
  expect(readAsHex(NONE)).toEqual(Buffer.alloc(0));
});

it('a digest of other contents is no truncation', () => {
  const [one, other] = ['one', 'other'].map((text) => createHash('sha256').update(text).digest());
  expect(isTruncationOf(readAsHex(one ?? NONE), other ?? NONE)).toBe(false);
});
