/** I20: in any span of time no player has more actions accepted than the limit lets through. */
import { type Evidence, groupBy } from './evidence.ts';
import { judge, type Verdict } from './verdict.ts';

const NS_PER_S = 1_000_000_000;

export function judgeRateLimits({ record, submits }: Evidence): Verdict {
  const { playerRate } = record.limits;
  if (playerRate === undefined) return { judged: 0, violations: [] };
  const accepted = submits.filter(({ outcome }) => outcome === 'ok');
  const players = groupBy(accepted, ({ call }) => call.userId);
  return judge(players.values(), (calls, violate) => {
    const sorted = [...calls].sort((a, b) => a.completedNs - b.completedNs);
    // A bucket that refills steadily. An answer is late by at most its deadline, and so may look like a burst.
    let tokens = playerRate.burst;
    let atNs = sorted[0]?.completedNs ?? 0;
    for (const { call, completedNs } of sorted) {
      const grace = (call.deadlineMs / 1000) * playerRate.perSecond;
      tokens =
        Math.min(playerRate.burst, tokens + ((completedNs - atNs) / NS_PER_S) * playerRate.perSecond) - 1;
      atNs = completedNs;
      if (tokens < -grace)
        return violate('a player passed the rate limit', { userId: call.userId, at: completedNs });
    }
  });
}
