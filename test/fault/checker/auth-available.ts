/** I15: no good token and no good signature is ever refused as if it were not good, whatever is down. */
import type { Evidence } from './evidence.ts';
import { judge, type Verdict } from './verdict.ts';

const REFUSED_AS_BAD = [
  'TOKEN_REQUIRED',
  'TOKEN_INVALID',
  'SIGNATURE_REQUIRED',
  'SIGNATURE_INVALID',
  'SIGNATURE_EXPIRED',
];

export function judgeAuthAvailable({ submits }: Evidence): Verdict {
  const good = submits.filter(({ call, outcome }) => call.credential === 'valid' && outcome !== 'open');
  return judge(good, (submit, violate) => {
    if (REFUSED_AS_BAD.includes(submit.reason)) violate('good credentials were refused', submit);
  });
}
