/**
 * I21: of the players with a label, cheats are refused or flagged, and no other player is. No action counts that a rule of its
 * board forbids, and none of a player in quarantine; every planted cheat is flagged in the end for what it did; an honest
 * player is never refused by a rule, and hardly one is flagged. Forged credentials are I14's.
 */

import type { ActionRow, BoardRule, Cheat } from '../../record/record.ts';
import { actionKey, type Evidence, playerKey } from '../evidence/evidence.ts';
import { judge, together, type Verdict, type Violate } from '../evidence/verdict.ts';

const NS_PER_MS = 1_000_000;
/** The database judges by whole milliseconds. */
const ROUNDING_MS = 1;
const FLAG_OF: Readonly<Record<Cheat, string>> = {
  'over-cap': 'POINTS_OVER_CAP',
  'too-fast': 'TOO_SOON',
  'over-window': 'WINDOW_ACTIONS_EXCEEDED',
  quarantined: 'PLAYER_QUARANTINED',
  'far-ahead': 'RICH',
};
const BY_RULE = [
  ...['POINTS_OVER_CAP', 'TOO_SOON', 'WINDOW_ACTIONS_EXCEEDED', 'WINDOW_POINTS_EXCEEDED'],
  'PLAYER_QUARANTINED',
];

/** An action that counted, and between which times that was decided. */
interface Decided {
  readonly row: ActionRow;
  readonly fromNs: number;
  readonly toNs: number;
}

export function judgeCheats(evidence: Evidence): Verdict {
  return together(
    ...evidence.record.rules.map((rule) => judgeRule(rule, evidence)),
    judgeCaught(evidence),
    judgeSpared(evidence),
  );
}

function judgeRule(rule: BoardRule, evidence: Evidence): Verdict {
  const { leaderboard, kind, maxPoints, minIntervalMs, window } = rule;
  const concerned = evidence.record.conducts
    .map(({ userId }) => evidence.actionsOf.get(playerKey({ leaderboard, userId })) ?? [])
    .map((rows) => rows.filter((row) => isOfKind(row, kind)))
    .filter((rows) => rows.length > 0);
  return judge(concerned, (rows, violate) => {
    const over = rows.find(({ points }) => points > (maxPoints ?? points));
    if (over !== undefined) violate('an action counts with more points than its board lets one have', over);
    const decided = rows.flatMap((row) => decisionOf(row, evidence) ?? []);
    if (minIntervalMs !== undefined)
      expectApart(decided, 1, minIntervalMs, 'actions count that came too soon', violate);
    if (window !== undefined)
      expectApart(decided, window.maxActions, window.ms, 'more actions count than a window holds', violate);
  });
}

function isOfKind({ actionId }: ActionRow, kind: string): boolean {
  return kind === '' || actionId.split('_')[0] === kind;
}

/** Undefined when no answer tells by when. */
function decisionOf(row: ActionRow, { submitsOf }: Evidence): Decided | undefined {
  const asked = (submitsOf.get(actionKey(row)) ?? []).filter(({ call }) => call.points === row.points);
  const toNs = Math.min(...asked.filter(({ outcome }) => outcome === 'ok').map((each) => each.completedNs));
  if (toNs === Number.POSITIVE_INFINITY) return undefined;
  return { row, fromNs: Math.min(...asked.map(({ invokedNs }) => invokedNs)), toNs };
}

/** Between an action and the one that comes so many places later, so much time has passed. */
function expectApart(
  decided: readonly Decided[],
  places: number,
  ms: number,
  what: string,
  violate: Violate,
): void {
  const at = decided.findIndex(({ fromNs }, index) => {
    const later = decided[index + places];
    return later !== undefined && later.toNs - fromNs < (ms - ROUNDING_MS) * NS_PER_MS;
  });
  if (at >= 0) violate(what, ...decided.slice(at, at + places + 1));
}

function judgeCaught({ record: { conducts, dumps } }: Evidence): Verdict {
  return judge(conducts, ({ userId, conduct }, violate) => {
    if (conduct === 'honest') return;
    const counted =
      conduct === 'quarantined' ? dumps.postgres.actions.find((row) => row.userId === userId) : undefined;
    if (counted !== undefined) violate('an action of a player in quarantine counts', counted);
    const flags = dumps.postgres.flags.filter((flag) => flag.userId === userId);
    if (!flags.some(({ reason }) => reason === FLAG_OF[conduct]))
      violate('a cheat is not flagged for what it did', { userId, conduct }, ...flags);
  });
}

function judgeSpared({ record, submits }: Evidence): Verdict {
  const honest = new Set(
    record.conducts.filter(({ conduct }) => conduct === 'honest').map(({ userId }) => userId),
  );
  const flagged = new Set(
    record.dumps.postgres.flags.map(({ userId }) => userId).filter((userId) => honest.has(userId)),
  );
  return together(
    judge(
      submits.filter(({ call }) => honest.has(call.userId)),
      (submit, violate) => {
        if (BY_RULE.includes(submit.reason)) violate('a rule refused an honest player', submit);
      },
    ),
    judge(honest.size === 0 ? [] : [flagged], (names, violate) => {
      if (names.size > honest.size * record.limits.falseFlagShare)
        violate(`${names.size} of ${honest.size} honest players are flagged`, ...names);
    }),
  );
}
