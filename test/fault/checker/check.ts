/**
 * The checker: decides from the record of a run which promises were kept. It is pure and judges one invariant after the
 * other, each on its own, so that what is broken is named once. What a record can't tell is listed as not recorded; it is
 * never counted as kept.
 */

import type { RunRecord } from '../record/record.ts';
import { judgeAuthAvailable } from './access/auth-available.ts';
import { judgeAuthorised } from './access/authorised.ts';
import { judgeCheats } from './access/cheats.ts';
import { judgeRateLimits } from './access/rate-limits.ts';
import { judgeNeverBack } from './boards/never-back.ts';
import { judgeNoLostEvent } from './boards/no-lost-event.ts';
import { judgeOneOrder } from './boards/one-order.ts';
import { judgeOneStatePerVersion } from './boards/one-state-per-version.ts';
import { judgeOutboxDrains } from './boards/outbox-drains.ts';
import { judgeProjectionIsTruth } from './boards/projection-is-truth.ts';
import { judgeReadYourWrite } from './boards/read-your-write.ts';
import { judgeBoundedAnswers } from './bounds/bounded-answers.ts';
import { judgeBoundedResources } from './bounds/bounded-resources.ts';
import { type Evidence, gatherEvidence } from './evidence/evidence.ts';
import type { Verdict, Violation } from './evidence/verdict.ts';
import { judgeAtMostOnce } from './ledger/at-most-once.ts';
import { judgeAuditChain } from './ledger/audit-chain.ts';
import { judgeConservation } from './ledger/conservation.ts';
import { judgeCorrections } from './ledger/corrections.ts';
import { judgeDurability } from './ledger/durability.ts';
import { judgeNoInvention } from './ledger/no-invention.ts';
import { judgeFreshness } from './screens/freshness.ts';
import { judgeNoPhantom } from './screens/no-phantom.ts';
import { judgePositionsGrow } from './screens/positions-grow.ts';

const INVARIANTS = {
  I1: judgeDurability,
  I2: judgeAtMostOnce,
  I3: judgeNoInvention,
  I4: judgeNoLostEvent,
  I5: judgeConservation,
  I6: judgeProjectionIsTruth,
  I7: judgeNeverBack,
  I8: judgeOneStatePerVersion,
  I9: judgeOneOrder,
  I10: judgeOutboxDrains,
  I11: judgePositionsGrow,
  I12: judgeNoPhantom,
  I13: judgeFreshness,
  I14: judgeAuthorised,
  I15: judgeAuthAvailable,
  I16: judgeBoundedResources,
  I17: judgeBoundedAnswers,
  I18: judgeReadYourWrite,
  I19: judgeAuditChain,
  I20: judgeRateLimits,
  I21: judgeCheats,
  I22: judgeCorrections,
} as const satisfies Record<string, (evidence: Evidence) => Verdict>;

export type Invariant = keyof typeof INVARIANTS;

export interface Judgement {
  readonly violations: readonly (Violation & { invariant: Invariant })[];
  /** How many facts each invariant was judged by. */
  readonly judged: Readonly<Partial<Record<Invariant, number>>>;
  /** Invariants about which this record says nothing, with the reason. */
  readonly notRecorded: Readonly<Record<string, string>>;
}

export function checkRecord(record: RunRecord): Judgement {
  const evidence = gatherEvidence(record);
  const violations: (Violation & { invariant: Invariant })[] = [];
  const judged: Partial<Record<Invariant, number>> = {};
  const notRecorded: Record<string, string> = {};
  for (const invariant of Object.keys(INVARIANTS) as Invariant[]) {
    const verdict = INVARIANTS[invariant](evidence);
    if (verdict.judged === 0) notRecorded[invariant] = 'the record holds no fact that it could be judged by';
    else judged[invariant] = verdict.judged;
    for (const violation of verdict.violations) violations.push({ invariant, ...violation });
  }
  return { violations, judged, notRecorded };
}
