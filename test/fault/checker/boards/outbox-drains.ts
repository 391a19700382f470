/** I10: after everything has healed no delivery is old, and what was given up is counted where an alert can see it. */
import type { Evidence } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

export function judgeOutboxDrains({ record }: Evidence): Verdict {
  const { outbox, deadRowsTold } = record.dumps.postgres;
  return judge([outbox], (rows, violate) => {
    const old = rows.filter(({ state, ageMs }) => state === 'pending' && ageMs > record.limits.outboxAgeMs);
    const dead = rows.filter(({ state }) => state === 'dead');
    if (old.length > 0) violate(`${old.length} rows of the outbox are too old`, ...old.slice(0, 3));
    if (dead.length !== (deadRowsTold ?? 0))
      violate('rows given up are not counted', { dead: dead.length, deadRowsTold });
  });
}
