/**
 * Corrections of scores in the audit chain. The ledger entry of a correction is sealed like every action. In place of a signing key
 * it has the digest of what the correction did, so the chain proves the correction too:
 *
 *   digest = SHA-256(field("scoreboard-correction-v1") field(operation-id) field(kind) field(amount) field(action-id)
 *            field(SHA-256 of the reason) field(operator) field(score-before) field(score-after))     numbers empty when not set
 */
import { createHash } from 'node:crypto';
import { encodeField, toHex } from './fields.ts';

export interface AuditCorrection {
  readonly operationId: string;
  readonly kind: string;
  readonly amount?: bigint | undefined;
  /** The action that was taken back; empty for other kinds. */
  readonly actionId: string;
  /** Empty once the player is erased. */
  readonly reason: string;
  readonly reasonDigest: Uint8Array;
  readonly operator: string;
  readonly scoreBefore?: bigint | undefined;
  readonly scoreAfter?: bigint | undefined;
}

/** Before the operation id, in the action id of a correction's ledger entry. No action of a player has a colon. */
const PREFIX = 'correction:';

/** The part of a ledger entry that speaks of a correction. */
export interface CorrectedEntry {
  readonly actionId: string;
  readonly keyId: string;
  readonly correction?: AuditCorrection | undefined;
}

/** Whether an entry that is a correction comes with what was corrected, and one that is none comes without. */
export function provesCorrection({ actionId, keyId, correction }: CorrectedEntry): boolean {
  if (correction === undefined) return !actionId.startsWith(PREFIX);
  const { operationId, reason, reasonDigest } = correction;
  const isReason =
    reason === '' || toHex(createHash('sha256').update(reason).digest()) === toHex(reasonDigest);
  return actionId === `${PREFIX}${operationId}` && isReason && keyId === digestOf(correction);
}

function digestOf(correction: AuditCorrection): string {
  const { operationId, kind, amount, actionId, reasonDigest, operator, scoreBefore, scoreAfter } = correction;
  const fields = [
    ...['scoreboard-correction-v1', operationId, kind, String(amount ?? ''), actionId, toHex(reasonDigest)],
    ...[operator, String(scoreBefore ?? ''), String(scoreAfter ?? '')],
  ];
  return createHash('sha256').update(fields.map(encodeField).join('')).digest('hex');
}
