/**
 * I12: every board that was shown existed. A position names one board on all sockets, and each score on it is one that
 * the player reached by an action which had been submitted by then. Position 0 of an epoch has no place in the order: it
 * is what a node shows, marked stale, while it has nothing better.
 */
import { actionKey, type Evidence, groupBy, playerKey } from '../evidence/evidence.ts';
import { judge, together, type Verdict } from '../evidence/verdict.ts';

export function judgeNoPhantom({ boards, actionsOf, submitsOf }: Evidence): Verdict {
  const ordered = boards.filter(({ seq, stale }) => seq > 0 || !stale);
  const positions = groupBy(ordered, ({ leaderboard, epoch, seq }) => `${leaderboard} ${epoch} ${seq}`);
  return together(
    judge(positions.values(), (frames, violate) => {
      const [first] = frames;
      const print = JSON.stringify(first?.entries);
      const other = frames.find(({ entries }) => JSON.stringify(entries) !== print);
      if (other !== undefined) violate('one position was shown with two boards', first, other);
    }),
    judge(boards, (frame, violate) => {
      for (const { userId, score } of frame.entries) {
        const actions = actionsOf.get(playerKey({ leaderboard: frame.leaderboard, userId })) ?? [];
        const reached = actions.find(({ scoreAfter }) => scoreAfter === score);
        if (reached === undefined) {
          violate('a board shows a score that never was', { userId, score }, frame);
          continue;
        }
        const submits = submitsOf.get(actionKey(reached)) ?? [];
        if (submits.length > 0 && submits.every(({ invokedNs }) => invokedNs > frame.monoNs))
          violate('a board shows a score before it was submitted', { userId, score }, frame);
      }
    }),
  );
}
