/**
 * I6: at rest the rank index holds what Postgres holds. Being behind is I4's business; here it is judged that nothing in
 * the index is ahead of the truth, unknown to it, or another score under the same version.
 */
import { type Evidence, playerKey } from '../evidence/evidence.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

export function judgeProjectionIsTruth({ record }: Evidence): Verdict {
  const { postgres, redis } = record.dumps;
  const truth = new Map(postgres.scores.map((row) => [playerKey(row), row]));
  const members = redis.boards.flatMap((board) =>
    board.members.map((member) => ({ leaderboard: board.leaderboard, ...member })),
  );
  return judge(members, (member, violate) => {
    const row = truth.get(playerKey(member));
    if (row === undefined) violate('the index holds a player whom the truth does not know', member);
    else if (member.version > row.version) violate('the index is ahead of the truth', member, row);
    else if (member.version === row.version && member.points !== row.points) {
      violate('the index holds another score under the same version', member, row);
    }
  });
}
