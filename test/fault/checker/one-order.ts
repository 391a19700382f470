/**
 * I9: there is one total order (points descending, reached first, user id by bytes), and the truth, the index, readers and
 * every frame keep to it. When a score was reached is read from the audit log.
 */
import { type Evidence, playerKey } from './evidence.ts';
import type { FrameEntry, ScoreRow } from './record.ts';
import { judge, together, type Verdict } from './verdict.ts';

type Standing = Pick<ScoreRow, 'userId' | 'points' | 'reached'>;
const TOP_SIZE = 10;

export function judgeOneOrder({ record, boards, actionsOf }: Evidence): Verdict {
  const { postgres, redis, wireTops } = record.dumps;
  const ordered = (leaderboard: string) =>
    postgres.scores.filter((row) => row.leaderboard === leaderboard).sort(compareStandings);
  const topOf = (leaderboard: string) => ordered(leaderboard).slice(0, TOP_SIZE);
  /** Undefined when the audit log knows no such score. */
  const standingOf = (leaderboard: string, { userId, score }: FrameEntry): Standing | undefined => {
    const action = actionsOf.get(playerKey({ leaderboard, userId }))?.find((row) => row.scoreAfter === score);
    return action && { userId, points: score, reached: action.position };
  };

  return together(
    judge(postgres.scores, (row, violate) => {
      const expected = standingOf(row.leaderboard, { userId: row.userId, score: row.points });
      if (expected !== undefined && expected.reached !== row.reached)
        violate('a score was reached at another position', row, expected);
    }),
    judge(postgres.tops, ({ leaderboard, userIds }, violate) => {
      const expected = topOf(leaderboard).map(({ userId }) => userId);
      if (expected.join(' ') !== userIds.join(' '))
        violate('Postgres orders its top otherwise', { userIds, expected });
    }),
    judge(redis.boards, ({ leaderboard, members }, violate) => {
      const wrong = members.findIndex(
        (member, at) => at > 0 && compareStandings(members[at - 1] ?? member, member) > 0,
      );
      if (wrong > 0) violate('the index is out of order', leaderboard, members[wrong - 1], members[wrong]);
    }),
    judge(wireTops, ({ leaderboard, entries }, violate) => {
      const expected = topOf(leaderboard).map(({ userId, points }) => `${userId} ${points}`);
      const told = entries.map(({ userId, score }) => `${userId} ${score}`);
      if (expected.join() !== told.join()) violate('a reader was answered another top', { told, expected });
    }),
    judge(boards, (frame, violate) => {
      const standings = frame.entries.map((entry) => standingOf(frame.leaderboard, entry));
      const wrong = standings.findIndex((standing, at) => {
        const before = standings[at - 1];
        return standing !== undefined && before !== undefined && compareStandings(before, standing) > 0;
      });
      if (wrong > 0) violate('a frame is out of order', frame);
    }),
  );
}

/** Negative when `a` stands before `b`. User ids are ASCII, so their code units are their bytes. */
export function compareStandings(a: Standing, b: Standing): number {
  if (a.points !== b.points) return b.points - a.points;
  if (a.reached !== b.reached) return a.reached - b.reached;
  return a.userId < b.userId ? -1 : Number(a.userId > b.userId);
}
