/** I1: every action that was said to count is in the audit log. */
import { actionKey, type Evidence } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

export function judgeDurability({ submits, rowsOf }: Evidence): Verdict {
  const acknowledged = submits.filter(({ outcome }) => outcome === 'ok');
  return judge(acknowledged, (submit, violate) => {
    if (!rowsOf.has(actionKey(submit.call)))
      violate('an acknowledged action is not in the audit log', submit);
  });
}
