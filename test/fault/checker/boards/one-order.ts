/**
 * I9: there is one total order (the board's order of points, reached first, user id by bytes), and the truth, the index, readers
 * and every frame keep to it. When a score was reached is read from the audit log.
 */
import type { SortOrder } from '../../../../services/shared/values/board.ts';

import type { FrameEntry, ScoreRow } from '../../record/record.ts';
import { type Evidence, playerKey } from '../evidence/evidence.ts';
import { isShown } from '../evidence/standings.ts';
import { judge, together, type Verdict } from '../evidence/verdict.ts';

type Standing = Pick<ScoreRow, 'userId' | 'points' | 'reached'>;
const TOP_SIZE = 10;

export function judgeOneOrder({ record, boards, actionsOf, kindOf, isCorrected }: Evidence): Verdict {
  const { postgres, redis, wireTops } = record.dumps;
  const compareOn = (leaderboard: string) => compareStandings(kindOf(leaderboard).order);
  const ordered = (leaderboard: string) =>
    postgres.scores
      .filter((row) => row.leaderboard === leaderboard && isShown(row))
      .sort(compareOn(leaderboard));
  const topOf = (leaderboard: string) => ordered(leaderboard).slice(0, TOP_SIZE);
  /**
   * By the action that reached the score last. Undefined when the audit log knows no such score, and when a player had it more
   * than once, which only the last score of a player can be: then another one may be meant. So it is of corrected players.
   */
  const standingOf = (leaderboard: string, { userId, score }: FrameEntry): Standing | undefined => {
    if (isCorrected({ leaderboard, userId })) return undefined;
    const actions = actionsOf.get(playerKey({ leaderboard, userId })) ?? [];
    const reaching = actions.filter(
      (row, at) => row.scoreAfter === score && actions[at - 1]?.scoreAfter !== score,
    );
    const [action] = reaching;
    if (action === undefined || reaching.length > 1) return undefined;
    return { userId, points: score, reached: action.position };
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
      const compare = compareOn(leaderboard);
      const wrong = members.findIndex(
        (member, at) => at > 0 && compare(members[at - 1] ?? member, member) > 0,
      );
      if (wrong > 0) violate('the index is out of order', leaderboard, members[wrong - 1], members[wrong]);
    }),
    judge(wireTops, ({ leaderboard, entries }, violate) => {
      const expected = topOf(leaderboard).map(({ userId, points }) => `${userId} ${points}`);
      const told = entries.map(({ userId, score }) => `${userId} ${score}`);
      if (expected.join() !== told.join()) violate('a reader was answered another top', { told, expected });
    }),
    judge(boards, (frame, violate) => {
      const compare = compareOn(frame.leaderboard);
      const standings = frame.entries.map((entry) => standingOf(frame.leaderboard, entry));
      const wrong = standings.findIndex((standing, at) => {
        const before = standings[at - 1];
        return standing !== undefined && before !== undefined && compare(before, standing) > 0;
      });
      if (wrong > 0) violate('a frame is out of order', frame);
    }),
  );
}

/** Negative when `a` stands before `b`. User ids are ASCII, so their code units are their bytes. */
export const compareStandings =
  (order: SortOrder) =>
  (a: Standing, b: Standing): number => {
    if (a.points !== b.points) return order === 'ascending' ? a.points - b.points : b.points - a.points;
    if (a.reached !== b.reached) return a.reached - b.reached;
    return a.userId < b.userId ? -1 : Number(a.userId > b.userId);
  };
