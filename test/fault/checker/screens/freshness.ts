/**
 * I13: an accepted change is on every connected screen soon, or the screen says that it may be old. While nothing is
 * wrong, 99 of 100 within `freshMs`; in any case within `freshAfterHealMs` it shows or the screen says `stale`; and that
 * long after the last fault it shows. While the fan-out node itself or the way to it is at fault, a screen can't be told;
 * while the score service is, no other process knows of what it has to deliver. A database at
 * fault excuses nothing: the score service says that it can't vouch for a board, and the screen tells it.
 */

import type { FrameEntry, SocketEvent } from '../../record/record.ts';
import { actionKey, type Evidence, type Span, type Submit } from '../evidence/evidence.ts';
import { judge, together, type Verdict } from '../evidence/verdict.ts';

const NS_PER_MS = 1_000_000;
const TOP_SIZE = 10;
/** Of 100 changes on their way to screens one may be late. */
const LATE_SHARE = 0.01;
/** With fewer than this a single late one would be more than its share. */
const ENOUGH_TO_RATE = 100;
/** A screen can't be told anything while these are at fault. */
const SCREEN_SIDE = ['fanout', 'viewer-fanout', 'machine'];

/** What has been committed but not delivered waits for these. */
const DELIVERY_SIDE = ['score', 'machine'];

interface Change {
  readonly submit: Submit;
  readonly userId: string;
  readonly score: number;
  readonly leaderboard: string;
  readonly atNs: number;
}

/** What one connection showed, and when. */
interface View {
  readonly openedNs: number;
  readonly closedNs: number;
  readonly states: readonly { atNs: number; entries: readonly FrameEntry[]; stale: boolean }[];
}

export function judgeFreshness(evidence: Evidence): Verdict {
  const { limits } = evidence.record;
  const [freshNs, healNs] = [limits.freshMs * NS_PER_MS, limits.freshAfterHealMs * NS_PER_MS];
  const disturbed = evidence.faults.map((span) => ({ ...span, toNs: span.toNs + healNs }));
  const healedNs = Math.max(0, ...disturbed.map(({ toNs }) => toNs));
  const blind = disturbed.filter(({ component }) => SCREEN_SIDE.includes(component));
  const undeliverable = disturbed.filter(({ component }) => DELIVERY_SIDE.includes(component));
  const late: unknown[] = [];
  let rated = 0;
  const pairs = pairsOf(evidence);
  const verdict = judge(pairs, ({ change, view }, violate) => {
    const shownBy = (dueNs: number) => !covers(view, change.atNs, dueNs) || shows(view, change, dueNs);
    if (!touches(disturbed, change.atNs, change.atNs + freshNs)) {
      rated += 1;
      if (!shownBy(change.atNs + freshNs)) late.push(change);
    }
    const dueNs = postponed(change.atNs + healNs, change.atNs, undeliverable);
    if (!touches(blind, change.atNs, dueNs) && !shownBy(dueNs) && !saysStale(view, dueNs)) {
      violate(
        `a change was on no screen after ${limits.freshAfterHealMs} ms, and the screen did not say so`,
        change,
      );
    } else if (change.atNs < healedNs && !shownBy(Math.max(healedNs, dueNs))) {
      violate('a change was not on a screen after everything had healed', change);
    }
  });
  const rate = judge(rated === 0 ? [] : [late], (missed, violate) => {
    if (missed.length > Math.max(LATE_SHARE * rated, rated < ENOUGH_TO_RATE ? 1 : 0)) {
      violate(
        `${missed.length} of ${rated} changes took more than ${limits.freshMs} ms`,
        ...missed.slice(0, 3),
      );
    }
  });
  return together(verdict, rate);
}

function* pairsOf({
  submits,
  rowsOf,
  connections,
  isCorrected,
}: Evidence): Generator<{ change: Change; view: View }> {
  const boards = new Set(submits.map(({ call }) => call.leaderboard));
  for (const leaderboard of boards) {
    const views = connections.flatMap((events) => viewOf(events, leaderboard) ?? []);
    for (const submit of submits) {
      const { call, answer, completedNs } = submit;
      if (call.leaderboard !== leaderboard || answer === undefined || call.points === 0) continue;
      // The score may have been corrected before it was shown.
      if (isCorrected(call)) continue;
      // What was never stored can't be shown: that is another invariant's business.
      if (!rowsOf.has(actionKey(call))) continue;
      const change = { submit, leaderboard, userId: call.userId, score: answer.newScore, atNs: completedNs };
      for (const view of views) yield { change, view };
    }
  }
}

function viewOf(events: readonly SocketEvent[], leaderboard: string): View | undefined {
  const states: { atNs: number; entries: readonly FrameEntry[]; stale: boolean }[] = [];
  let [openedNs, closedNs] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const event of events) {
    if (event.kind === 'opened') openedNs = event.monoNs;
    else if (event.kind === 'closed') closedNs = event.monoNs;
    else if (event.leaderboard === leaderboard) {
      const known = states.at(-1)?.entries;
      const entries = event.kind === 'board' ? event.entries : known;
      // A connection that resumed shows the board that it had: which, only the connection before can tell.
      if (entries !== undefined) states.push({ atNs: event.monoNs, entries, stale: event.stale });
    }
  }
  return states.length === 0 ? undefined : { openedNs, closedNs, states };
}

/** The connection was there, with a first board, from before the change until it was due. */
function covers({ openedNs, closedNs, states }: View, fromNs: number, toNs: number): boolean {
  return openedNs <= fromNs && closedNs > toNs && (states[0]?.atNs ?? toNs) <= fromNs;
}

function stateAt({ states }: View, atNs: number) {
  let [low, high] = [0, states.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((states[middle]?.atNs ?? 0) <= atNs) low = middle + 1;
    else high = middle;
  }
  return states[low - 1];
}

function shows(view: View, { userId, score }: Change, atNs: number): boolean {
  const entries = stateAt(view, atNs)?.entries ?? [];
  const own = entries.find((entry) => entry.userId === userId);
  if (own !== undefined) return own.score >= score;
  return entries.length >= TOP_SIZE && entries.every((entry) => entry.score >= score);
}

function saysStale(view: View, atNs: number): boolean {
  return stateAt(view, atNs)?.stale === true;
}

function touches(spans: readonly Span[], fromNs: number, toNs: number): boolean {
  return spans.some((span) => span.fromNs <= toNs && span.toNs >= fromNs);
}

/** Later than each of these spans that began before it was due. */
function postponed(dueNs: number, fromNs: number, spans: readonly Span[]): number {
  let due = dueNs;
  for (const span of [...spans].sort((a, b) => a.fromNs - b.fromNs)) {
    if (span.fromNs <= due && span.toNs > fromNs) due = Math.max(due, span.toNs);
  }
  return due;
}
