/**
 * The format of an export of the audit chain: one JSON object a line, each link followed by its actions. Numbers and bytes are
 * strings, so that no number is rounded.
 */
import { type AuditAction, type AuditLink, toHex } from '../../shared/audit-chain/audit-chain.ts';
import { type AuditEntry, ChainDiffers } from './verify-chain.ts';

const DECIMAL = /^-?\d{1,20}$/;
const HEX = /^(?:[0-9a-f]{2})*$/;

export function formatAuditLine(entry: AuditEntry): string {
  const plain = (value: string | bigint | Uint8Array) =>
    value instanceof Uint8Array ? toHex(value) : String(value);
  const fields: Readonly<Record<string, string | bigint | Uint8Array>> =
    entry.kind === 'link' ? { ...linkOf(entry.link) } : { ...actionOf(entry.action) };
  const named = Object.entries(fields).map(([name, value]) => [name, plain(value)]);
  return `${JSON.stringify({ [entry.kind]: Object.fromEntries(named) })}\n`;
}

/** Rejects with ChainDiffers, which names the line, if a line does not have this format. */
export async function* parseAuditLines(lines: AsyncIterable<string>): AsyncGenerator<AuditEntry> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    try {
      yield parseLine(JSON.parse(line));
    } catch {
      throw new ChainDiffers(`line ${number} is not a valid link or action`);
    }
  }
}

function parseLine(line: unknown): AuditEntry {
  const { link, action } = Object(line) as { link?: unknown; action?: unknown };
  if (link !== undefined) {
    const { text: _, number, bytes } = readerOf(link);
    const [digest, erased, head] = [bytes('digest'), bytes('erased'), bytes('head')];
    return { kind: 'link', link: { seq: number('seq'), actions: number('actions'), digest, erased, head } };
  }
  const { text, number, bytes } = readerOf(action);
  return {
    kind: 'action',
    action: {
      position: number('position'),
      leaderboard: text('leaderboard'),
      userId: text('userId'),
      salt: bytes('salt'),
      commitment: bytes('commitment'),
      actionId: text('actionId'),
      points: number('points'),
      scoreAfter: number('scoreAfter'),
      version: number('version'),
      keyId: text('keyId'),
      caller: text('caller'),
      acceptedAtUnixUs: number('acceptedAtUnixUs'),
    },
  };
}

function readerOf(fields: unknown) {
  const record = Object(fields) as Readonly<Record<string, unknown>>;
  const text = (name: string, form = /^/): string => {
    const value = record[name];
    if (typeof value !== 'string' || !form.test(value)) throw new Error(`${name} has the wrong format`);
    return value;
  };
  return {
    text: (name: string) => text(name),
    number: (name: string) => BigInt(text(name, DECIMAL)),
    bytes: (name: string) => Buffer.from(text(name, HEX), 'hex'),
  };
}

/** Only the fields of an export: an object from the service has more. */
function linkOf({ seq, actions, digest, erased, head }: AuditLink): AuditLink {
  return { seq, actions, digest, erased, head };
}

function actionOf(action: AuditAction): AuditAction {
  const { position, leaderboard, userId, salt, commitment, actionId, points, scoreAfter } = action;
  const { version, keyId, caller, acceptedAtUnixUs } = action;
  return {
    ...{ position, leaderboard, userId, salt, commitment, actionId, points, scoreAfter },
    ...{ version, keyId, caller, acceptedAtUnixUs },
  };
}
