/** I14: only vouched actions count: no forged call was acknowledged or stored, and every row says who vouched for it. */
import { actionKey, type Evidence } from '../evidence/evidence.ts';
import { judge, together, type Verdict } from '../evidence/verdict.ts';

/** Services that see actions happen and may vouch for them without a signature. */
const MAY_VOUCH = ['game', 'cli'];

export function judgeAuthorised({ record, submits, submitsOf }: Evidence): Verdict {
  return together(
    judge(
      submits.filter(({ outcome }) => outcome === 'ok'),
      (submit, violate) => {
        if (submit.call.credential === 'forged') violate('a forged action was acknowledged', submit);
      },
    ),
    judge(record.dumps.postgres.actions, (row, violate) => {
      const asked = submitsOf.get(actionKey(row)) ?? [];
      const forged = asked.length > 0 && asked.every(({ call }) => call.credential === 'forged');
      if (forged) violate('a forged action is in the audit log', row);
      else if (row.keyId === '' && !MAY_VOUCH.includes(row.caller))
        violate('nobody vouched for an action', row);
    }),
  );
}
