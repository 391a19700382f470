/**
 * I15: no good token and no good signature is ever refused as if it were not good, whatever is down. While the clock of the
 * process that judges it is off, its time may seem to be over, or not yet come.
 */
import type { Evidence, Submit } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

const REFUSED_AS_BAD = [
  'TOKEN_REQUIRED',
  'TOKEN_INVALID',
  'SIGNATURE_REQUIRED',
  'SIGNATURE_INVALID',
  'SIGNATURE_EXPIRED',
];
/** Who judges by the time of day, and what a good credential may then be called. */
const JUDGED_BY_TIME: Readonly<Record<string, string>> = { edge: 'TOKEN_INVALID', auth: 'SIGNATURE_EXPIRED' };

export function judgeAuthAvailable({ submits, faults }: Evidence): Verdict {
  const skewed = faults.filter(({ kind }) => kind === 'skew');
  const isExcused = ({ reason, invokedNs, completedNs }: Submit) =>
    skewed.some(
      ({ component, fromNs, toNs }) =>
        JUDGED_BY_TIME[component] === reason && fromNs <= completedNs && toNs >= invokedNs,
    );
  const good = submits.filter(({ call, outcome }) => call.credential === 'valid' && outcome !== 'open');
  return judge(good, (submit, violate) => {
    if (REFUSED_AS_BAD.includes(submit.reason) && !isExcused(submit))
      violate('good credentials were refused', submit);
  });
}
