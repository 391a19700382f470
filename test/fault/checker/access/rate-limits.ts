/**
 * I20: in any span of time no player has more actions accepted than the limit lets through, whatever is down. Each life of an
 * edge begins with a full bucket of its own, since what it knew may be gone in Redis as well.
 */
import { type Evidence, groupBy } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

const NS_PER_S = 1_000_000_000;

export function judgeRateLimits({ record, submits }: Evidence): Verdict {
  const { playerRate } = record.limits;
  if (playerRate === undefined) return { judged: 0, violations: [] };
  const { perSecond, burst } = playerRate;
  const refilled = (ns: number) => (ns / NS_PER_S) * perSecond;
  const edgeEnds = record.history.flatMap(({ f, monoNs, value }) =>
    f === 'exit' && value.component === 'edge' ? [monoNs] : [],
  );
  const accepted = submits.filter(({ outcome }) => outcome === 'ok');
  const players = groupBy(accepted, ({ call }) => call.userId);
  return judge(players.values(), (calls, violate) => {
    const sorted = [...calls].sort((a, b) => a.completedNs - b.completedNs);
    // A bucket that refills steadily, watched by answers: each tells of a decision that was made since its call began.
    let [tokens, atNs] = [burst, sorted[0]?.completedNs ?? 0];
    let [fullNs, slowestNs] = [atNs, 0];
    for (const { call, invokedNs, completedNs } of sorted) {
      tokens += refilled(completedNs - atNs);
      if (tokens >= burst) [tokens, fullNs, slowestNs] = [burst, completedNs, 0];
      tokens -= 1;
      atNs = completedNs;
      slowestNs = Math.max(slowestNs, completedNs - invokedNs);
      const sinceNs = fullNs - slowestNs;
      const newLives = edgeEnds.filter((endNs) => endNs >= sinceNs && endNs <= completedNs).length;
      if (tokens < -refilled(slowestNs) - newLives * burst)
        return violate('a player passed the rate limit', { userId: call.userId, at: completedNs });
    }
  });
}
