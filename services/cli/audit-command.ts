/** The words after "audit", as typed values. */
import type { AuditHead } from '../shared/audit-chain.ts';
import { parseUserId } from '../shared/identifiers.ts';
import { InputError } from './input-error.ts';
import { expectWords, named, parseListLimit, parsePlayer, read, USAGE } from './words.ts';

export type AuditCommand =
  | { readonly name: 'audit head' | 'audit export' }
  | {
      readonly name: 'audit verify';
      readonly expected: AuditHead | undefined;
      /** An export to verify in place of the running stack. */
      readonly file: string | undefined;
    }
  | {
      readonly name: 'audit rejected';
      /** Empty means everybody's. */
      readonly userId: string;
      readonly limit: number;
    }
  | { readonly name: 'audit erase'; readonly userId: string };

const HEAD = /^([1-9]\d{0,18}):([0-9a-f]{64})$/;

export function parseAudit([verb, ...rest]: readonly string[]): AuditCommand {
  switch (verb) {
    case 'head':
    case 'export':
      expectWords(read(rest).words, 0);
      return { name: `audit ${verb}` };
    case 'verify': {
      const { words, head, file } = read(rest, 'head', 'file');
      expectWords(words, 0);
      return { name: 'audit verify', expected: head === undefined ? undefined : parseHead(head), file };
    }
    case 'rejected': {
      const { words, user, limit } = read(rest, 'user', 'limit');
      expectWords(words, 0);
      const userId = user === undefined ? '' : named(() => parseUserId(user));
      return { name: 'audit rejected', userId, limit: parseListLimit(limit) };
    }
    case 'erase':
      return { name: 'audit erase', userId: parsePlayer(rest) };
    default:
      throw new InputError(USAGE);
  }
}

function parseHead(text: string): AuditHead {
  const [, seq, head] = HEAD.exec(text) ?? [];
  if (seq === undefined || head === undefined) {
    throw new InputError('a head is what "audit head" prints: a number, a colon and 64 hexadecimal digits');
  }
  return { seq: BigInt(seq), head: Buffer.from(head, 'hex') };
}
