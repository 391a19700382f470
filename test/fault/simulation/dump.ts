/** What a simulated world holds in the end, in the words of a record. */
import type { PlayerState } from '../../../services/shared/values/board.ts';
import type { Dumps, Limits } from '../record/record.ts';
import { BOARDS } from './clients/player.ts';
import type { World } from './world.ts';

const TOP_SIZE = 10;

/** A simulated machine is never slow by itself: the slack is for rounding. */
const LIMITS: Limits = {
  answerSlackMs: 1,
  freshMs: 1_000,
  // What a sweeper had claimed when it vanished waits for its lease of 4 s, and a claim that failed once more for 2 s.
  freshAfterHealMs: 6_500,
  outboxAgeMs: 5_000,
  maxRssBytes: undefined,
  maxDescriptors: undefined,
  playerRate: undefined,
  falseFlagShare: 0,
};

export async function dumpWorld(world: World): Promise<{ dumps: Dumps; limits: Limits }> {
  const { database, truth, index, ranks, viewers, time } = world;
  const member = ({ userId, points, version, reached }: PlayerState) => ({
    ...{ userId, points: Number(points), version: Number(version), reached: Number(reached) },
  });
  const [reader] = ranks.map(({ node }) => node.reader);
  const tops = await Promise.all(
    BOARDS.map(async (leaderboard) => {
      const { board } = (await reader?.top(leaderboard, TOP_SIZE)) ?? {};
      const entries = (board?.entries ?? []).map(({ userId, score }) => ({ userId, score: Number(score) }));
      return { leaderboard, entries };
    }),
  );
  const shown = viewers.map(({ link }) => ({
    leaderboard: 'global',
    entries: (link.board?.entries ?? []).map(({ userId, score }) => ({ userId, score })),
  }));
  return {
    limits: LIMITS,
    dumps: {
      postgres: {
        actions: database.actions.map((row) => ({
          ...row,
          position: Number(row.position),
          points: Number(row.points),
          scoreAfter: Number(row.scoreAfter),
          version: Number(row.version),
        })),
        corrections: database.corrections.map(({ position, operationId, leaderboard, userId, change }) => ({
          ...{ position: Number(position), operationId, leaderboard, userId, kind: change.kind },
          amount: 'amount' in change ? Number(change.amount) : 0,
          actionId: 'actionId' in change ? change.actionId : '',
        })),
        scores: [...database.scores.values()].map((state) => ({
          leaderboard: state.leaderboard,
          ...member(state),
        })),
        // All of them add up.
        boards: [],
        outbox: [...database.outbox.values()].map(({ state, createdMs }) => ({
          state,
          ageMs: time.nowMs() - createdMs,
        })),
        deadRowsTold: null,
        // The simulated database seals nothing.
        audit: null,
        flags: [],
        tops: BOARDS.map((leaderboard) => ({
          leaderboard,
          userIds: truth
            .ordered(leaderboard)
            .slice(0, TOP_SIZE)
            .map(({ userId }) => userId),
        })),
      },
      redis: {
        epoch: database.index.source === 'redis' ? Number(database.index.epoch) : null,
        boards: BOARDS.map((leaderboard) => ({
          leaderboard,
          members: index.ordered(leaderboard).map(member),
        })),
      },
      wireTops: [...tops, ...shown],
    },
  };
}
