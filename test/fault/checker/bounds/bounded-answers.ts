/**
 * I17: every call is answered by its deadline and a little, and no process ends that we did not end. While the edge or
 * the connection to it is at fault, no answer is possible; such a call must only have ended.
 */
import type { Evidence } from '../evidence/evidence.ts';
import { judge, together, type Verdict, type Violate } from '../evidence/verdict.ts';

const NS_PER_MS = 1_000_000;
/** Nothing answers a caller while these are at fault. */
const ANSWER_SIDE = ['edge', 'client-edge', 'machine'];

export function judgeBoundedAnswers({ record, submits, ranks, faults }: Evidence): Verdict {
  const { answerSlackMs } = record.limits;
  const silent = faults.filter(({ component }) => ANSWER_SIDE.includes(component));
  const inspect = (call: Evidence['submits'][number] | Evidence['ranks'][number], violate: Violate) => {
    if (call.outcome === 'open') return violate('a call never came to an end', call);
    const dueNs = call.invokedNs + (call.call.limitMs + answerSlackMs) * NS_PER_MS;
    const excused = silent.some(({ fromNs, toNs }) => fromNs <= call.completedNs && toNs >= call.invokedNs);
    if (call.completedNs > dueNs && !excused) violate('an answer came after its deadline', call);
  };
  const exits = record.history.flatMap((event) => (event.f === 'exit' ? [event.value] : []));
  return together(
    judge([...submits, ...ranks], inspect),
    judge(exits, (exit, violate) => {
      if (!exit.expected) violate('a process ended by itself', exit);
    }),
  );
}
