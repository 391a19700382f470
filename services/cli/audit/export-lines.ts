/**
 * The format of an export of the audit chain: one JSON object a line, each link followed by its actions. Numbers and bytes are
 * strings, so that no number is rounded.
 */
import type { AuditAction, AuditLink } from '../../shared/audit-chain/audit-chain.ts';
import type { AuditCorrection } from '../../shared/audit-chain/correction.ts';
import { toHex } from '../../shared/audit-chain/fields.ts';
import { type AuditEntry, ChainDiffers } from './verify-chain.ts';

const DECIMAL = /^-?\d{1,20}$/;
const HEX = /^(?:[0-9a-f]{2})*$/;

export function formatAuditLine(entry: AuditEntry): string {
  return `${JSON.stringify({ [entry.kind]: entry.kind === 'link' ? plainLink(entry.link) : plainAction(entry.action) })}\n`;
}

const plainLink = (link: AuditLink) => plain({ ...linkOf(link) });

function plainAction({ correction, ...action }: AuditAction) {
  const fields = plain({ ...actionOf(action) });
  return correction === undefined
    ? fields
    : { ...fields, correction: plain({ ...correctionOf(correction) }) };
}

/** Fields that are not set are left out. */
function plain(fields: Readonly<Record<string, string | bigint | Uint8Array | undefined>>) {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    set.map(([name, value]) => [name, value instanceof Uint8Array ? toHex(value) : String(value)]),
  );
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
  const { correction } = Object(action) as { correction?: unknown };
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
      ...(correction !== undefined && { correction: parseCorrection(correction) }),
    },
  };
}

function parseCorrection(correction: unknown): AuditCorrection {
  const { text, number, bytes, optional } = readerOf(correction);
  return {
    ...{ operationId: text('operationId'), kind: text('kind'), actionId: text('actionId') },
    ...{ reason: text('reason'), reasonDigest: bytes('reasonDigest'), operator: text('operator') },
    ...optional('amount', number),
    ...optional('scoreBefore', number),
    ...optional('scoreAfter', number),
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
    /** A field that may be missing. */
    optional: <Name extends string, Value>(name: Name, read: (name: string) => Value) =>
      (Object.hasOwn(record, name) ? { [name]: read(name) } : {}) as { [N in Name]?: Value },
  };
}

/** Only the fields of an export: an object from the service has more. */
function linkOf({ seq, actions, digest, erased, head }: AuditLink): AuditLink {
  return { seq, actions, digest, erased, head };
}

function correctionOf(correction: AuditCorrection): AuditCorrection {
  const { operationId, kind, amount, actionId, reason, reasonDigest, operator } = correction;
  const { scoreBefore, scoreAfter } = correction;
  return { operationId, kind, amount, actionId, reason, reasonDigest, operator, scoreBefore, scoreAfter };
}

function actionOf(action: AuditAction): Omit<AuditAction, 'correction'> {
  const { position, leaderboard, userId, salt, commitment, actionId, points, scoreAfter } = action;
  const { version, keyId, caller, acceptedAtUnixUs } = action;
  return {
    ...{ position, leaderboard, userId, salt, commitment, actionId, points, scoreAfter },
    ...{ version, keyId, caller, acceptedAtUnixUs },
  };
}
