/** Generators for what signatures are made of. */
import fc from 'fast-check';
import { MAX_SCORE } from '../../../services/shared/values/identifiers.ts';

const ALPHABET = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
const PRINTABLE = Array.from({ length: 0x7e - 0x21 + 1 }, (_, index) => String.fromCharCode(0x21 + index));

const id = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 1, maxLength: 64 });
export const kid = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 1, maxLength: 32 });
const userId = fc.string({ unit: fc.constantFrom(...PRINTABLE), minLength: 1, maxLength: 128 });
const points = fc.oneof(fc.bigInt({ min: 0n, max: MAX_SCORE }), fc.bigInt({ min: 0n, max: 100n }));

export const action = fc.record({ leaderboard: id, userId, actionId: id, points });
export const signedAction = fc.record({ action, kid, expiresAt: fc.nat() });
export const mac = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'));
