/**
 * I19: the audit chain verifies and matches the log. Walked here by a reading of its own of the documented form, so that the
 * product's verifier is not asked about itself.
 */
import { createHash, createHmac } from 'node:crypto';
import type { ActionRow, AuditDump, SealedAction } from '../../record/record.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { judge, together, type Verdict } from '../evidence/verdict.ts';

const fields = (...values: readonly (string | number)[]): string =>
  values.map((value) => `${Buffer.byteLength(String(value))}:${value}`).join('');
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

export function judgeAuditChain({ record }: Evidence): Verdict {
  const { audit, actions } = record.dumps.postgres;
  if (audit === null) return { judged: 0, violations: [] };
  return together(judgeLinks(audit), judgeActions(audit), judgeLog(audit, actions));
}

/** Each link's number, digest and head follow from what it seals and from the link before. */
function judgeLinks({ keyHex, links, sealed }: AuditDump): Verdict {
  const sealedBy = Map.groupBy(sealed, ({ seq }) => seq);
  return judge(links.entries(), ([index, link], violate) => {
    const { seq, digest, erased, head } = link;
    const its = [...(sealedBy.get(seq) ?? [])].sort((a, b) => a.position - b.position);
    const before = links[index - 1]?.head ?? '';
    const covered = fields('scoreboard-audit-v1', before, seq, link.actions, digest, erased);
    if (seq !== index + 1) violate('a link is missing or out of place', link);
    else if (createHmac('sha256', Buffer.from(keyHex, 'hex')).update(covered).digest('hex') !== head)
      violate('a link was not made with the key, or was changed', link);
    else if (its.length !== link.actions || sha256(its.map(canonical).join('')) !== digest)
      violate('a link seals other actions than there are', link, ...its);
  });
}

function canonical(action: SealedAction): string {
  const { position, leaderboard, commitment, actionId, points, scoreAfter, version, keyId, caller } = action;
  return [
    fields(position, leaderboard, commitment, actionId, points, scoreAfter, version, keyId, caller),
    fields(action.acceptedAtUnixUs),
  ].join('');
}

/** What stands for a player is the player's. No run erases anybody. */
function judgeActions({ sealed }: AuditDump): Verdict {
  return judge(sealed, (action, violate) => {
    const own = sha256(Buffer.concat([Buffer.from(action.salt, 'hex'), Buffer.from(action.userId)]));
    if (own !== action.commitment) violate('a sealed action is another player’s', action);
  });
}

/** Every row of the log is sealed, as it is, by one link. */
function judgeLog({ sealed }: AuditDump, actions: readonly ActionRow[]): Verdict {
  const found = Map.groupBy(sealed, ({ position }) => position);
  return judge(actions, (row, violate) => {
    const [one, ...more] = found.get(row.position) ?? [];
    if (one === undefined) return violate('an action is in no link', row);
    if (more.length > 0) return violate('an action is in several links', row);
    const { seq: _, salt: __, commitment: ___, acceptedAtUnixUs: ____, ...plain } = one;
    const same = Object.entries(plain).every(([name, value]) => row[name as keyof ActionRow] === value);
    if (!same) violate('an action is sealed as another', row, one);
  });
}
