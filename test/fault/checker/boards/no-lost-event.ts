/** I4: in the end the projection has heard of every player's last version. */
import { type Evidence, playerKey } from '../evidence/evidence.ts';
import { isShown } from '../evidence/standings.ts';
import { judge, type Verdict } from '../evidence/verdict.ts';

export function judgeNoLostEvent({ record }: Evidence): Verdict {
  const { postgres, redis } = record.dumps;
  if (redis.epoch === null) return { judged: 0, violations: [] };
  const projected = new Map(
    redis.boards.flatMap(({ leaderboard, members }) =>
      members.map((member) => [playerKey({ leaderboard, userId: member.userId }), member.version] as const),
    ),
  );
  return judge(postgres.scores, (row, violate) => {
    if (!isShown(row)) {
      if (projected.has(playerKey(row)))
        violate('the projection has not heard that the player left the board', row);
      return;
    }
    const version = projected.get(playerKey(row)) ?? 0;
    if (version < row.version) violate(`the projection stopped at version ${version}`, row);
  });
}
