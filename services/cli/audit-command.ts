/** The words after "audit", as typed values. */
import { parseArgs } from 'node:util';
import type { AuditHead } from '../shared/audit-chain.ts';
import { InputError } from './input-error.ts';

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

export const AUDIT_USAGE = `  audit head                                    where the chain of the audit log ends now: write it down elsewhere
  audit verify [--head HEAD] [--file FILE]      recomputes the chain, or an export of it; exit code 1 when it differs
  audit export                                  the chain and its actions, one JSON object a line
  audit rejected [--user USER] [--limit N]      attempts that were refused, newest first
  audit erase USER                              takes a player out of everything, for ever; the chain holds
`;

const HEAD = /^([1-9]\d{0,18}):([0-9a-f]{64})$/;
/** From 1 to what the service lists at once. */
const LIMIT = /^([1-9]\d{0,2}|1000)$/;
const USER = /^[\x21-\x7e]{1,128}$/;

export function parseAudit([verb, ...rest]: readonly string[]): AuditCommand {
  switch (verb) {
    case 'head':
    case 'export':
      read(rest, 0, []);
      return { name: `audit ${verb}` };
    case 'verify': {
      const { options } = read(rest, 0, ['head', 'file']);
      const { head, file } = options;
      return { name: 'audit verify', expected: head === undefined ? undefined : parseHead(head), file };
    }
    case 'rejected': {
      const { user, limit = '100' } = read(rest, 0, ['user', 'limit']).options;
      if (!LIMIT.test(limit)) throw new InputError('the limit is a number from 1 to 1000');
      return { name: 'audit rejected', userId: user === undefined ? '' : player(user), limit: Number(limit) };
    }
    case 'erase': {
      const [userId = ''] = read(rest, 1, []).words;
      return { name: 'audit erase', userId: player(userId) };
    }
    default:
      throw new InputError(`usage:\n${AUDIT_USAGE}`);
  }
}

function parseHead(text: string): AuditHead {
  const [, seq, head] = HEAD.exec(text) ?? [];
  if (seq === undefined || head === undefined) {
    throw new InputError('a head is what "audit head" prints: a number, a colon and 64 hexadecimal digits');
  }
  return { seq: BigInt(seq), head: Buffer.from(head, 'hex') };
}

function player(userId: string): string {
  if (!USER.test(userId)) throw new InputError('a user id is 1 to 128 printable ASCII bytes');
  return userId;
}

function read(
  args: readonly string[],
  words: number,
  names: readonly string[],
): { words: readonly string[]; options: Readonly<Record<string, string | undefined>> } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    });
    if (positionals.length !== words) throw new Error('there are too many or too few words');
    return { words: positionals, options: values as Readonly<Record<string, string | undefined>> };
  } catch (error) {
    throw new InputError(`${error instanceof Error ? error.message : String(error)}\nusage:\n${AUDIT_USAGE}`);
  }
}
