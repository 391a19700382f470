/** A run on one page: what was done to it, what callers were told meanwhile, and what was wrong in the end. */
import type { Judgement } from '../checker/check.ts';
import type { HistoryEvent } from '../record/record.ts';
import { nameOf } from './faults/faults.ts';
import type { Survived } from './survive.ts';

const NS_PER_S = 1_000_000_000;
/** Lines of each part: together a page. */
const LONGEST_PART = 60;
const LONGEST_EVIDENCE = 1_000;

export function drawTimeline(run: {
  seed: number;
  history: readonly HistoryEvent[];
  survived: readonly Survived[];
  judgement: Judgement;
}): string {
  const { seed, history, survived, judgement } = run;
  const startNs = history[0]?.monoNs ?? 0;
  const at = (monoNs: number) => `${((monoNs - startNs) / NS_PER_S).toFixed(2).padStart(8)} s`;
  const notes = history.flatMap((event) => {
    if (event.f === 'fault')
      return [`${at(event.monoNs)}  ${event.value.phase} ${event.value.component} ${event.value.kind}`];
    if (event.f === 'exit') return [`${at(event.monoNs)}  ${event.value.component}: ${event.value.how}`];
    return [];
  });
  const violations = judgement.violations.map(
    ({ invariant, what, evidence }) =>
      `${invariant} ${what}\n    ${JSON.stringify(evidence).slice(0, LONGEST_EVIDENCE)}`,
  );
  const recoveries = survived.map(({ fault, wellAfterMs }) => {
    const { component, kind } = nameOf(fault);
    return `${component} ${kind}: ${wellAfterMs === undefined ? 'never well again' : `well after ${wellAfterMs.toFixed(0)} ms`}`;
  });
  return [
    `seed ${seed}`,
    ...part('violations', violations),
    ...part('events', notes),
    ...part('recoveries', recoveries),
    ...part('outcomes', tally(history)),
    ...part(
      'not recorded',
      Object.entries(judgement.notRecorded).map(([name, why]) => `${name}: ${why}`),
    ),
    '',
  ].join('\n');
}

function part(title: string, lines: readonly string[]): string[] {
  const more = lines.length - LONGEST_PART;
  return [
    '',
    `${title}: ${lines.length}`,
    ...lines.slice(0, LONGEST_PART),
    ...(more > 0 ? [`… and ${more} more`] : []),
  ];
}

/** How many calls ended how. */
export function tally(history: readonly HistoryEvent[]): string[] {
  const counts = new Map<string, number>();
  for (const event of history) {
    if ((event.f !== 'submit' && event.f !== 'rank') || event.type === 'invoke') continue;
    const how = event.type === 'ok' ? 'ok' : `${event.type} ${event.value.reason}`;
    const key = `${event.f} ${how}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([key, count]) => `${String(count).padStart(8)} ${key}`);
}
