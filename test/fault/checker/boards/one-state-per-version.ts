/**
 * I8: any order and any repetition of events gives the same board. That holds exactly when a version of a player names one
 * state, in every source: then "the greater version wins" has one outcome. Judged over replies, readings and frames.
 */
import { type Evidence, groupBy } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

interface Claim {
  readonly leaderboard: string;
  readonly userId: string;
  readonly version: number;
  readonly score: number;
}

export function judgeOneStatePerVersion({ record, ranks, boards }: Evidence): Verdict {
  const claims: Claim[] = record.dumps.postgres.actions.map((row) => ({ ...row, score: row.scoreAfter }));
  for (const { call, answer } of ranks) {
    if (answer !== undefined) claims.push({ leaderboard: call.leaderboard, userId: call.userId, ...answer });
  }
  for (const { leaderboard, personal } of boards) {
    if (personal !== null) claims.push({ leaderboard, ...personal });
  }
  const versions = groupBy(
    claims,
    ({ leaderboard, userId, version }) => `${leaderboard} ${userId} ${version}`,
  );
  return judge(versions.values(), (told, violate) => {
    const [first] = told;
    const other = told.find(({ score }) => score !== first?.score);
    if (other !== undefined) violate('one version was told with two scores', first, other);
  });
}
