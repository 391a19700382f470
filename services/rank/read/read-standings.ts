/** The use case that reads some players of a board with their ranks: from the index in one call, or from Postgres. */
import { Deadline } from '../../shared/flow/deadline.ts';
import type { Log } from '../../shared/telemetry/log.ts';
import { isOnBoard, type Standings, toScore } from '../../shared/values/board.ts';
import type { RankIndex } from '../index/rank-index.ts';
import type { KnownIndex } from '../rebuild/known-index.ts';
import type { TruthRanks } from '../truth/truth-ranks.ts';
import type { TruthStore } from '../truth/truth-store.ts';
import { createFromIndex } from './from-index.ts';

export interface ReadStandingsOptions {
  index: Pick<RankIndex, 'standings'>;
  truth: Pick<TruthStore, 'states' | 'playerCount'>;
  truthRanks: Pick<TruthRanks, 'of'>;
  known: Pick<KnownIndex, 'redisEpoch' | 'doubt' | 'vouches'>;
  log: Log;
}

/** The edge gives up after 1.2 s. */
const READ_PATIENCE_MS = 1_150;

export type ReadStandings = ReturnType<typeof createReadStandings>;

export function createReadStandings({ index, truth, truthRanks, known, log }: ReadStandingsOptions) {
  const fromIndex = createFromIndex({ known, log });

  async function fromTruth(leaderboard: string, userIds: readonly string[]): Promise<Standings> {
    const found = await truth.states(userIds.map((userId) => ({ leaderboard, userId })));
    const states = found.filter(isOnBoard);
    if (states.length === 0) return { entries: [], players: (await truth.playerCount(leaderboard)).onBoard };
    const ranked = await truthRanks.of(leaderboard, states, Deadline.after(READ_PATIENCE_MS));
    const entries = states.map(({ userId, username, points }, at) => ({
      ...{ userId, username, score: toScore(points), rank: ranked[at]?.rank ?? 0 },
    }));
    return { entries: entries.sort((a, b) => a.rank - b.rank), players: ranked[0]?.players ?? 0 };
  }

  /** Players without a score are left out. */
  return async (
    leaderboard: string,
    userIds: readonly [string, ...string[]],
  ): Promise<Standings & { readonly stale: boolean }> => {
    const standings =
      (await fromIndex((epoch) => index.standings(epoch, leaderboard, userIds))) ??
      (await fromTruth(leaderboard, userIds));
    return { ...standings, stale: !known.vouches() };
  };
}
